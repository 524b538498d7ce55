"""The deployment examples satisfy the validators of their own ecosystems."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from cluster_nodes import COMMAND

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "examples" / "deploy"
YAML = sorted(str(path) for path in DEPLOY.rglob("*.yaml"))


def tool(name):
    """A validator of requirements/test.txt, beside this interpreter."""
    return str(pathlib.Path(sys.executable).parent / name)


def check(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **how)
    assert done.returncode == 0, done.stdout + done.stderr


def test_yaml_is_well_formed():
    rules = "{extends: relaxed, rules: {line-length: disable, braces: {max-spaces-inside: 0}}}"
    check(tool("yamllint"), "--strict", "-d", rules, *YAML)


def test_the_compose_file_fits_compose_s_schema():
    check(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml"))


def test_the_kubernetes_objects_fit_their_schemas():
    check(tool("kubernetes-validate"), "--strict", str(DEPLOY / "kubernetes" / "members.yaml"))


def test_the_certificates_are_cert_manager_s_kinds_and_feed_the_members():
    # cert-manager publishes its schemas as cluster objects only; what is checked here is that the
    # two files agree with each other.
    certificates = (DEPLOY / "kubernetes" / "certificates.yaml").read_text()
    members = (DEPLOY / "kubernetes" / "members.yaml").read_text()
    secret = re.search(r"secretName: (graphbit-member-tls)", members).group(1)
    assert f"secretName: {secret}" in certificates
    assert "usages: [digital signature, server auth, client auth]" in certificates


def test_the_dockerfile_satisfies_hadolint():
    # DL3008: versions of Debian's packages are Debian's choice.
    check(tool("hadolint"), "--ignore", "DL3008", str(DEPLOY / "Dockerfile"))


def test_the_scripts_satisfy_shellcheck():
    check(tool("shellcheck"), *[str(path) for path in DEPLOY.rglob("*.sh")])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_the_unit_satisfies_systemd(tmp_path):
    # It insists that the program exists and that nothing else is wrong with the name.
    unit = (DEPLOY / "graphbit-node.service").read_text().replace("/usr/bin/graphbit", "/bin/true")
    path = tmp_path / "graphbit-node.service"
    path.write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if "graphbit-node.service" in line]
    assert not complaints, complaints


@pytest.mark.skipif(not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}")
def test_every_option_in_the_examples_exists():
    node = subprocess.run([COMMAND, "node", "--help"], capture_output=True, text=True, timeout=60).stdout
    known = set(re.findall(r"--([a-z-]+)", node))
    for path in (DEPLOY / "compose.yaml", DEPLOY / "kubernetes" / "members.yaml"):
        assert set(re.findall(r"^\s+- --([a-z-]+)", path.read_text(), re.M)) <= known, path
    names = set(re.findall(r"^([a-z-]+) =", (DEPLOY / "node.toml").read_text(), re.M))
    assert names <= known
