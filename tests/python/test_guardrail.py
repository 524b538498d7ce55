"""Guardrail policies (contract section 12)."""

import asyncio
import http.server
import json
import pickle
import re
import threading

import pytest
from graphbit.guardrail import GuardRail, GuardRailPolicyConfig
from hypothesis import given
from hypothesis import strategies as st

EMAIL = {"type": "regex", "name": "EMAIL", "pattern": r"[\w.]+@[\w.]*\w"}
SSN = {"type": "regex", "name": "SSN", "pattern": r"\d{3}-\d{2}-\d{4}"}


def policy(*rules, **options):
    body = {"pii_rules": list(rules or (EMAIL, SSN)), "masking": True, "mapping": True, **options}
    return GuardRailPolicyConfig.from_json(json.dumps({"policy_name": "p", "guardrail_policy": body}))


class TestConfig:
    def test_defaults(self):
        for made in (GuardRailPolicyConfig.default_config(), GuardRailPolicyConfig.from_json("{}")):
            assert (made.policy_name(), made.policy_version(), made.is_active()) == ("default", "0.0.0", False)
            assert made.masks() is False and made.maps_back() is False

    def test_name_version_and_active(self):
        made = GuardRailPolicyConfig.from_json('{"policy_name":"n","policy_version":"2","guardrail_policy":{}}')
        assert (made.policy_name(), made.policy_version(), made.is_active()) == ("n", "2", True)
        assert GuardRailPolicyConfig.from_json('{"active":true}').is_active() is True
        assert GuardRailPolicyConfig.from_json('{"guardrail_policy":{},"active":false}').is_active() is False

    @pytest.mark.parametrize(
        "text",
        [
            "{bad",
            "[]",
            "5",
            "[" * 100_000,
            '{"policy_name":5}',
            '{"guardrail_policy":{"pii_rules":"x"}}',
            '{"guardrail_policy":{"masking":"x"}}',
            '{"guardrail_policy":{"pii_rules":[5]}}',
            '{"guardrail_policy":{"pii_rules":[{"type":"ner","name":"A","pattern":"x"}]}}',
            '{"guardrail_policy":{"pii_rules":[{"name":"A"}]}}',
            '{"guardrail_policy":{"pii_rules":[{"pattern":"A"}]}}',
            '{"guardrail_policy":{"pii_rules":[{"name":"A","pattern":"("}]}}',
        ],
    )
    def test_refused(self, text):
        with pytest.raises(ValueError, match="GuardRail config error: "):
            GuardRailPolicyConfig.from_json(text)

    def test_files(self, tmp_path):
        path = tmp_path / "policy.json"
        path.write_text('{"policy_name":"f"}')
        assert GuardRailPolicyConfig.from_file(str(path)).policy_name() == "f"
        path.write_bytes(b"\xff")
        for name in (str(path), str(tmp_path / "nope"), str(tmp_path), "a\0b"):
            with pytest.raises(ValueError, match="GuardRail config error: "):
                GuardRailPolicyConfig.from_file(name)

    def test_urls(self, monkeypatch):
        class Site(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"policy_name":"u"}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with http.server.HTTPServer(("127.0.0.1", 0), Site) as server:
            thread = threading.Thread(target=server.handle_request, daemon=True)
            thread.start()
            made = GuardRailPolicyConfig.from_url(f"http://127.0.0.1:{server.server_port}/")
            thread.join()
        assert made.policy_name() == "u"
        for url in ("zzz", "file:///etc/passwd", "http://127.0.0.1:1/"):
            with pytest.raises(ValueError, match="GuardRail config error: "):
                GuardRailPolicyConfig.from_url(url)

    def test_types_and_pickling(self):
        with pytest.raises(TypeError, match="No constructor defined"):
            GuardRailPolicyConfig()
        for make in (
            GuardRailPolicyConfig.from_json,
            GuardRailPolicyConfig.from_file,
            GuardRailPolicyConfig.from_url,
        ):
            with pytest.raises(TypeError):
                make(5)
        assert pickle.loads(pickle.dumps(policy())).rules() == policy().rules()


class TestRuns:
    """Through an executor: values go back to the caller, tokens stay in what is kept about the run."""

    @pytest.fixture
    def executor(self, config):
        from graphbit import Executor

        return Executor(config)

    @pytest.fixture
    def workflow(self):
        from graphbit import Node, Workflow

        flow = Workflow("w")
        flow.add_node(Node.agent("a", "Mail a@x.org"))
        return flow

    def check(self, result):
        for metadata in (result.get_node_response_metadata("a"), result.get_workflow_metadata()):
            assert "a@x.org" not in json.dumps(metadata)
        node = result.get_node_response_metadata("a")
        assert re.fullmatch(r"Mail <EMAIL:[0-9a-f]{8}-\d{3}>", node["user_input"])
        kinds = [execution.get("operation", execution["type"]) for execution in node["executions"]]
        assert kinds[:2] == ["encode", "llm_call"]
        assert "a@x.org" in result.get_node_output("a")
        assert "a@x.org" not in json.dumps(result.get_all_node_response_metadata())

    def test_sync_async_and_streamed(self, simulator, executor, workflow):
        simulator.load_script({"rules": [{"matches": r"Mail (\S+)", "text": "mailed $1"}]})
        self.check(executor.execute(workflow, policy()))

        async def run():
            return await executor.run_async(workflow, policy())

        self.check(asyncio.run(run()))
        self.check(list(executor.execute_streaming(workflow, policy()))[-1]["result"])

    def test_without_a_policy_nothing_is_masked(self, executor, workflow):
        result = executor.execute(workflow)
        assert result.get_node_response_metadata("a")["user_input"] == "Mail a@x.org"


class TestMasking:
    def test_tokens(self):
        call = GuardRail(policy()).begin_call(signature=7)
        masked = call.mask("Mail a@x.org and a@x.org or b@y.net, 123-45-6789")
        match = re.fullmatch(
            r"Mail (<EMAIL:[0-9a-f]{8}-007>) and (<EMAIL:[0-9a-f]{8}-007>) or (<EMAIL:[0-9a-f]{8}-007>), "
            r"<SSN:[0-9a-f]{8}-007>",
            masked,
        )
        assert match.group(1) == match.group(2) != match.group(3)
        assert call.unmask(f"to {match.group(3)}: <EMAIL:00000000-007>") == "to b@y.net: <EMAIL:00000000-007>"

    def test_each_call_has_its_signature_and_the_run_its_digits(self):
        guard = GuardRail(policy())
        first, second = guard.begin_call(1), guard.begin_call(2)
        assert first.mask("a@x.org").replace("-001", "-002") == second.mask("a@x.org")
        assert second.unmask(first.mask("a@x.org")) == first.mask("a@x.org")
        assert GuardRail(policy()).begin_call(1).mask("a@x.org") != first.mask("a@x.org")
        assert len(guard.begin_call().signature) == 3

    def test_earlier_rules_win_and_tokens_are_left_alone(self):
        word = {"type": "regex", "name": "W", "pattern": "org|EMAIL|[0-9a-f]{8}"}
        call = GuardRail(policy(EMAIL, word)).begin_call(1)
        masked = call.mask("a@x.org org")
        assert re.fullmatch(r"<EMAIL:[0-9a-f]{8}-001> <W:[0-9a-f]{8}-001>", masked)
        assert call.mask(masked) == masked
        assert call.unmask(masked) == "a@x.org org"

    def test_inactive_policies_and_policies_without_mapping(self):
        assert GuardRail(GuardRailPolicyConfig.default_config()).begin_call().mask("a@x.org") == "a@x.org"
        assert GuardRail(policy(masking=False, mapping=False)).begin_call().mask("a@x.org") == "a@x.org"
        one_way = GuardRail(policy(mapping=False)).begin_call()
        assert one_way.unmask(one_way.mask("a@x.org")) == one_way.mask("a@x.org") != "a@x.org"

    def test_messages(self):
        call = GuardRail(policy()).begin_call(1)
        arguments = '{"to":"a@x.org"}'
        messages = [
            {"role": "system", "content": "You serve a@x.org"},
            {"role": "user", "content": "Mail a@x.org"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "a@x.org", "function": {"arguments": arguments}}],
            },
            {"role": "tool", "tool_call_id": "a@x.org", "content": "sent to a@x.org"},
        ]
        masked = call.mask_messages(messages)
        token = call.mask("a@x.org")
        assert masked[0]["content"] == f"You serve {token}"
        assert masked[1]["content"] == f"{call.rule_text()}\n\nMail {token}"
        assert masked[2]["tool_calls"] == [{"id": "a@x.org", "function": {"arguments": f'{{"to":"{token}"}}'}}]
        assert masked[3] == {"role": "tool", "tool_call_id": "a@x.org", "content": f"sent to {token}"}
        assert messages[0]["content"] == "You serve a@x.org"
        parsed = {"role": "assistant", "tool_calls": [{"name": "send", "parameters": {"name": "a@x.org", "n": 1}}]}
        assert call.mask_messages([parsed])[0]["tool_calls"] == [
            {"name": "send", "parameters": {"name": token, "n": 1}}
        ]
        assert call.unmask_arguments({"to": [token, 5]}) == {"to": ["a@x.org", 5]}

    def test_arguments_stay_json_whatever_the_value_holds(self):
        quoted = {"type": "regex", "name": "NAME", "pattern": r'"Ann"\\n'}
        call = GuardRail(policy(quoted)).begin_call()
        token = call.mask('"Ann"\\n')
        assert token.startswith("<NAME:")
        assert json.loads(call.unmask_json(json.dumps({"to": token, "n": 1.5}))) == {"to": '"Ann"\\n', "n": 1.5}
        assert call.unmask_json('{"n": 1.50}') == '{"n": 1.50}'
        assert call.unmask_json(f"no JSON {token}") == 'no JSON "Ann"\\n'

    def test_no_rule_is_told_when_nothing_was_hidden(self):
        call = GuardRail(policy()).begin_call()
        assert call.mask_messages([{"role": "user", "content": "hi"}]) == [{"role": "user", "content": "hi"}]
        told = GuardRail(policy()).begin_call().mask_messages([{"role": "system", "content": "a@x.org"}])
        assert told[1]["role"] == "user" and told[1]["content"].startswith("RULE: ")

    def test_reports(self):
        call = GuardRail(policy()).begin_call()
        call.unmask(call.mask("a@x.org, b@y.net, 123-45-6789"))
        assert call.report("encode") == {
            "type": "guardrail_policy",
            "operation": "encode",
            "pii_rules_applied_count": 3,
            "pii_rule_names": ["EMAIL", "SSN"],
            "policy_name": "p",
        }
        assert call.report("rehydrate")["pii_rules_applied_count"] == 3

    def test_metadata_keeps_the_masked_form(self):
        metadata = {
            "node_name": "a@x.org",
            "user_input": "Mail a@x.org",
            "final_output": "sent to a@x.org",
            "error": None,
            "executions": [
                {
                    "type": "llm_call",
                    "id": "i",
                    "input": "Mail a@x.org",
                    "output": "",
                    "tool_calls": [{"id": "1", "name": "send", "parameters": {"to": "a@x.org"}}],
                },
                {"type": "tool_call", "tool_name": "send", "parameters": {"to": "a@x.org"}, "output": "ok"},
                {"type": "llm_call", "id": "j", "input": "ok", "output": "done"},
            ],
            "total_usage": {"total_tokens": 3},
        }
        masked = GuardRail(policy()).masked_metadata({"nodes": [metadata], "user_input_masked": ""})
        node = masked["nodes"][0]
        text = json.dumps({**node, "node_name": ""})
        assert "a@x.org" not in text and masked["user_input_masked"] == "" and node["node_name"] == "a@x.org"
        token = re.fullmatch(r"Mail (<EMAIL:[0-9a-f]{8}-\d{3}>)", node["user_input"]).group(1)
        assert node["final_output"] == f"sent to {token}"
        assert node["executions"][1]["tool_calls"] == [{"id": "1", "name": "send", "parameters": {"to": token}}]
        kinds = [execution.get("operation", execution["type"]) for execution in node["executions"]]
        assert kinds == ["encode", "llm_call", "rehydrate", "decode", "tool_call", "llm_call"]
        assert node["executions"][0]["pii_rules_applied_count"] == 1
        assert metadata["user_input"] == "Mail a@x.org" and node["total_usage"] == {"total_tokens": 3}

    def test_stream(self):
        call = GuardRail(policy()).begin_call()
        token = call.mask("a@x.org")
        stream = call.unmask_stream()
        shown = [stream.feed(piece) for piece in ("1 < 2 ", token[:9], token[9:], " done <")]
        assert "".join(shown) == "1 < 2 a@x.org done "
        assert stream.finish() == "<"
        assert stream.feed("<" + "x" * 300) == "<" + "x" * 300

    @given(text=st.text(), parts=st.lists(st.sampled_from(["a@x.org", "123-45-6789", "<", ">", "<EMAIL:", " ", "é"])))
    def test_round_trip_and_nothing_leaks(self, text, parts):
        text += "".join(parts)
        call = GuardRail(policy()).begin_call()
        masked = call.mask(text)
        assert call.unmask(masked) == text
        assert "123-45-6789" not in masked
        stream = call.unmask_stream()
        assert "".join(stream.feed(piece) for piece in masked) + stream.finish() == text
