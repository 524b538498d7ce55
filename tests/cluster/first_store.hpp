#pragma once

namespace graphbit {

/// A store as the first version of its schema held it, with one run in it. Never changed: it proves
/// that today's program reads it.
inline constexpr const char* first_store = R"sql(
PRAGMA application_id=1734496851;
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE runs (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT  NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    graph_hash TEXT NOT NULL,
    forked_from TEXT NOT NULL,
    about BLOB NOT NULL,
    workflow BLOB NOT NULL, workflow_blob BLOB,
    inputs BLOB NOT NULL, inputs_blob BLOB,
    checksum BIGINT NOT NULL,
    state BIGINT NOT NULL,
    failure BLOB NOT NULL,
    owner TEXT NOT NULL, token BIGINT NOT NULL, lease_until BIGINT NOT NULL,
    wake_at BIGINT,
    created_at BIGINT NOT NULL, changed_at BIGINT NOT NULL, ended_at BIGINT,
    last_id BIGINT NOT NULL, message_id BIGINT NOT NULL, told_id BIGINT NOT NULL);
INSERT INTO runs VALUES(1,'nightly-1','nightly','hash-1','',X'7b7d',X'',X'67460a0f88beb83de7a92aff436cf0e12d46876e4731e8ee70b4a50a46ae5f19',X'7b22746f706963223a22746561227d',NULL,504504255,2,X'','old owner',1,0,1795417979720,1795417979693,1795417979720,NULL,3,3,0);
CREATE TABLE records (
    run_no BIGINT NOT NULL, id BIGINT NOT NULL,
    kind BIGINT NOT NULL, key TEXT NOT NULL, at BIGINT NOT NULL,
    body BLOB NOT NULL, blob BLOB, checksum BIGINT NOT NULL,
    PRIMARY KEY (run_no, id));
INSERT INTO records VALUES(1,1,7,'a',1700000000000,X'7b2274657874223a226669727374227d',NULL,3544761568);
INSERT INTO records VALUES(1,2,7,'b',1700000000001,X'',X'e17a5aac4901b92f9dc2e602fd96e40ad98697213ec71392f66042541e8434ea',2874274944);
INSERT INTO records VALUES(1,3,9,'go',1795417979720,X'74727565',NULL,562142495);
CREATE TABLE blobs (
    hash BLOB PRIMARY KEY, codec BIGINT NOT NULL, size BIGINT NOT NULL, bytes BLOB NOT NULL);
INSERT INTO blobs VALUES(X'67460a0f88beb83de7a92aff436cf0e12d46876e4731e8ee70b4a50a46ae5f19',1,300,X'28b52ffd602c004d00001077770100272ac002');
INSERT INTO blobs VALUES(X'e17a5aac4901b92f9dc2e602fd96e40ad98697213ec71392f66042541e8434ea',1,70000,X'28b52ffda07011010055000010626201006b1139c002');
CREATE TABLE blob_uses (
    run_no BIGINT NOT NULL, hash BLOB NOT NULL REFERENCES blobs (hash),
    PRIMARY KEY (run_no, hash)) WITHOUT ROWID;
INSERT INTO blob_uses VALUES(1,X'67460a0f88beb83de7a92aff436cf0e12d46876e4731e8ee70b4a50a46ae5f19');
INSERT INTO blob_uses VALUES(1,X'e17a5aac4901b92f9dc2e602fd96e40ad98697213ec71392f66042541e8434ea');
CREATE TABLE members (
    name TEXT  PRIMARY KEY, about BLOB NOT NULL, epoch BIGINT NOT NULL,
    alive_until BIGINT NOT NULL);
CREATE TABLE limits (name TEXT PRIMARY KEY, state TEXT NOT NULL, changed_at BIGINT NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE writers (
    writer TEXT PRIMARY KEY, mark BIGINT NOT NULL, changed_at BIGINT NOT NULL);
INSERT INTO writers VALUES('',3,1795417979720);
INSERT INTO sqlite_sequence VALUES('runs',1);
CREATE INDEX runs_running ON runs (run_id) WHERE state = 1;
CREATE INDEX runs_parked ON runs (wake_at) WHERE state = 2;
CREATE INDEX runs_ended ON runs (ended_at, no) WHERE ended_at IS NOT NULL;
CREATE INDEX blob_uses_hash ON blob_uses (hash);
COMMIT;
)sql";

}  // namespace graphbit
