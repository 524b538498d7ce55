"""Guardrail policies: values that a model must not see leave as tokens and come back as themselves.

A policy names what to hide; a :class:`GuardRail`, one per run, hides it. Around each LLM call the workflow does this:

    guard = GuardRail(policy)                      # once per run
    call = guard.begin_call()                      # once per LLM call
    messages = call.mask_messages(messages)        # what is sent
    entry = call.report("encode")                  # for the node's metadata: only masked text is kept there
    reply = call.unmask(reply)                     # the reply's text
    arguments = call.unmask_json(arguments)        # each tool call's arguments
    entry = call.report("rehydrate")

Streamed replies go through ``call.unmask_stream()``, which holds a token back until it is whole. History is kept as
plain text and masked anew with each call, so that tokens of one call never need to be understood by another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

from .argument_checks import require_dict, require_str
from .errors import ValidationError

__all__ = ["GuardRail", "GuardRailPolicyConfig", "GuardedCall", "PiiRule", "UnmaskStream"]

POLICY_BYTES_MAX = 1024 * 1024
_TOKEN_HEX_DIGITS = 8
_FRAME = frozenset(("role", "id", "name", "tool_call_id", "type"))
_SAID = frozenset(("user_input", "final_output", "error"))
_ARGUMENTS = frozenset(("arguments", "parameters", "input"))
_NAME_CHARS_MAX = 100
_TOKEN_CHARS_MAX = _NAME_CHARS_MAX + _TOKEN_HEX_DIGITS + len("<:-000>")


class PiiRule(NamedTuple):
    """What to hide: the name that its tokens carry, and the pattern of it."""

    name: str
    pattern: re.Pattern[str]


class GuardRailPolicyConfig:
    """What a run must not tell its models. Immutable; made by the static methods.

    As JSON: ``{"policy_name": str, "policy_version": str, "active": bool, "guardrail_policy": {"pii_rules": [{"type":
    "regex", "name": str, "pattern": str}], "masking": bool, "mapping": bool}}``. Patterns are Python regular
    expressions. Matches become tokens unless both ``masking`` (True) and ``mapping`` (False) are false; with
    ``mapping`` replies and tool arguments get the values back. A policy with a ``guardrail_policy`` is active unless
    ``active`` says otherwise.
    """

    __slots__ = ("_active", "_mapping", "_masking", "_name", "_rules", "_version")

    _name: str
    _version: str
    _active: bool
    _rules: tuple[PiiRule, ...]
    _masking: bool
    _mapping: bool

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("No constructor defined for GuardRailPolicyConfig")

    @staticmethod
    def from_json(json_str: str) -> GuardRailPolicyConfig:
        """Reads a policy; raises ValueError for what is no policy, a wrong pattern and an unknown type of rule."""
        try:
            fields = json.loads(require_str("json_str", json_str))
        except (ValueError, RecursionError) as error:
            raise _refused(f"no JSON: {error}") from None
        return _policy(fields)

    @staticmethod
    def from_file(path: str) -> GuardRailPolicyConfig:
        """Reads a policy from a JSON file (UTF-8, up to 1 MiB); raises ValueError if that cannot be done."""
        try:
            with open(require_str("path", path), "rb") as file:
                data = file.read(POLICY_BYTES_MAX + 1)
        except (OSError, ValueError) as error:
            raise _refused(str(error)) from None
        if len(data) > POLICY_BYTES_MAX:
            raise _refused(f"{path} is larger than {POLICY_BYTES_MAX} bytes")
        return GuardRailPolicyConfig.from_json(_utf8(data))

    @staticmethod
    def from_url(url: str) -> GuardRailPolicyConfig:
        """Reads a policy from an http(s) URL (up to 1 MiB, within 30 s); raises ValueError if that cannot be done."""
        from .document_formats import url_source

        try:
            body = url_source.fetched(require_str("url", url), POLICY_BYTES_MAX).body
        except ValidationError as error:
            raise _refused(str(error)) from None
        return GuardRailPolicyConfig.from_json(_utf8(body))

    @staticmethod
    def default_config() -> GuardRailPolicyConfig:
        """A policy without rules, inactive."""
        return _policy({})

    def policy_name(self) -> str:
        """Its name; "default" if it has none."""
        return self._name

    def policy_version(self) -> str:
        """Its version; "0.0.0" if it has none."""
        return self._version

    def is_active(self) -> bool:
        """Whether it applies at all."""
        return self._active

    def rules(self) -> tuple[PiiRule, ...]:
        """What is hidden, in the order in which rules are applied."""
        return self._rules

    def masks(self) -> bool:
        """Whether matches become tokens."""
        return self._active and bool(self._rules) and (self._masking or self._mapping)

    def maps_back(self) -> bool:
        """Whether tokens in replies and tool arguments become values again."""
        return self._mapping

    def __repr__(self) -> str:
        return (
            f"GuardRailPolicyConfig(name='{self._name}', version='{self._version}', "
            f"active={str(self._active).lower()}, rules={len(self._rules)})"
        )


class GuardRail:
    """Hides values for the time of one run.

    The same value always gets the same eight hex digits within a run; they are made with a key of the run's own, so
    that nobody can find a value by trying. Safe to use from several threads: it only hands out calls.
    """

    def __init__(self, policy: GuardRailPolicyConfig, key: Optional[bytes] = None) -> None:
        self.policy = policy
        self._key = secrets.token_bytes(16) if key is None else key

    def begin_call(self, signature: Optional[int] = None) -> GuardedCall:
        """The masking of one LLM call; `signature` (0..999) is random if not given."""
        return GuardedCall(self.policy, self._key, secrets.randbelow(1000) if signature is None else signature)

    def masked_metadata(self, metadata: dict[str, Any]) -> dict[str, Any]:
        """A copy of a node's or a workflow's metadata with its texts masked, and with an entry in the executions of a
        node wherever the policy was applied: "encode" before a call, "rehydrate" after it, "decode" before a tool."""
        return _MaskedMetadata(self, secrets.randbelow(1000)).copy_of(metadata)


class GuardedCall:
    """Masks what one LLM call sends and unmasks what it answers. Not meant for several threads at once."""

    def __init__(self, policy: GuardRailPolicyConfig, key: bytes, signature: int) -> None:
        self._policy = policy
        self._key = key
        self.signature = f"{signature:03}"
        self._token_of: dict[tuple[str, str], str] = {}
        self._value_of: dict[str, tuple[str, str]] = {}
        self._token_pattern = re.compile(
            rf"<[^<>]{{1,{_NAME_CHARS_MAX}}}:[0-9a-f]{{{_TOKEN_HEX_DIGITS}}}-{self.signature}>"
        )
        self._applied: dict[str, int] = {}
        self._applied_names: dict[str, list[str]] = {}

    def mask(self, text: str) -> str:
        """`text` with each match of a rule replaced by a token ``<NAME:8hex-NNN>``. Earlier rules win where two match;
        what is already a token of this call stays."""
        if not self._policy.masks():
            return text
        pieces: list[tuple[str, bool]] = list(self._split_at_tokens(text))
        for rule in self._policy.rules():
            pieces = [
                made for piece, done in pieces for made in ([(piece, True)] if done else self._masked(rule, piece))
            ]
        return "".join(piece for piece, _ in pieces)

    def mask_messages(self, messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Chat messages, masked: their texts and the arguments of their tool calls. If anything was hidden, the rule
        that tells the model about tokens is put before the first user message (or becomes one)."""
        kept = [require_dict("messages", message) for message in messages]
        masked = [{key: self._masked_value(value, key) for key, value in message.items()} for message in kept]
        if self._value_of:
            self._tell(masked)
        return masked

    def rule_text(self) -> str:
        """What the model is told about tokens."""
        return (
            f"RULE: A text of the form <NAME:xxxxxxxx-{self.signature}> stands for a value that is kept from you. "
            "Treat it as the value itself. Whenever you refer to it, also in tool arguments, write it exactly as it is "
            f"given, with its brackets, its colon and the ending -{self.signature}: do not shorten, explain, split or "
            "alter it."
        )

    def unmask(self, text: str) -> str:
        """`text` with the tokens of this call replaced by their values; unchanged if the policy does not map back."""
        if not self._policy.maps_back() or not self._value_of:
            return text
        return self._token_pattern.sub(self._value_for, text)

    def unmask_arguments(self, arguments: Any) -> Any:
        """As :meth:`unmask` for every text in a tool call's arguments, whatever they are nested in."""
        if isinstance(arguments, str):
            return self.unmask(arguments)
        if isinstance(arguments, list):
            return [self.unmask_arguments(item) for item in arguments]
        if isinstance(arguments, dict):
            return {key: self.unmask_arguments(item) for key, item in arguments.items()}
        return arguments

    def unmask_json(self, text: str) -> str:
        """As :meth:`unmask` for the text of a JSON value, which stays one whatever the values hold."""
        if not self._token_pattern.search(text):
            return text
        try:
            return json.dumps(self.unmask_arguments(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            return self.unmask(text)

    def unmask_stream(self) -> UnmaskStream:
        """Unmasks a reply that arrives in pieces."""
        return UnmaskStream(self)

    def report(self, operation: str) -> dict[str, Any]:
        """The entry about this call in a node's metadata. `operation`: "encode" (what mask did so far), "rehydrate" or
        "decode" (what unmask did)."""
        kind = "encode" if operation == "encode" else "decode"
        return {
            "type": "guardrail_policy",
            "operation": operation,
            "pii_rules_applied_count": self._applied.get(kind, 0),
            "pii_rule_names": list(self._applied_names.get(kind, [])),
            "policy_name": self._policy.policy_name(),
        }

    def mask_value(self, value: Any) -> Any:
        """As :meth:`mask` for every text in a value, whatever it is nested in; ids and names of calls stay."""
        return self._masked_value(value, "")

    def applied(self, operation: str) -> Optional[dict[str, Any]]:
        """The entry about what was masked so far, under another operation's name; None if nothing was."""
        entry = {**self.report("encode"), "operation": operation}
        return entry if entry["pii_rules_applied_count"] else None

    def _masked_value(self, value: Any, key: str, framing: bool = True) -> Any:
        """`framing` tells the message's own fields, whose ids and names stay, from arguments, where all is masked."""
        if isinstance(value, str):
            return value if framing and key in _FRAME else self.mask(value)
        if isinstance(value, list):
            return [self._masked_value(item, key, framing) for item in value]
        if isinstance(value, dict):
            inner = {name: framing and name not in _ARGUMENTS for name in value}
            return {name: self._masked_value(item, name, inner[name]) for name, item in value.items()}
        return value

    def _tell(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if message.get("role") == "user" and isinstance(message.get("content"), str):
                message["content"] = f"{self.rule_text()}\n\n{message['content']}"
                return
        messages.append({"role": "user", "content": self.rule_text()})

    def _split_at_tokens(self, text: str) -> Iterator[tuple[str, bool]]:
        position = 0
        for match in self._token_pattern.finditer(text):
            if match.group() in self._value_of:
                yield text[position : match.start()], False
                yield match.group(), True
                position = match.end()
        yield text[position:], False

    def _masked(self, rule: PiiRule, text: str) -> Iterator[tuple[str, bool]]:
        position = 0
        for match in rule.pattern.finditer(text):
            if match.end() > match.start():
                yield text[position : match.start()], False
                yield self._token(rule.name, match.group()), True
                position = match.end()
                self._note("encode", rule.name)
        yield text[position:], False

    def _token(self, name: str, value: str) -> str:
        token = self._token_of.get((name, value))
        attempt = 0
        while token is None:
            message = f"{attempt}\0{name}\0{value}".encode("utf-8", "surrogatepass")
            digits = hmac.new(self._key, message, hashlib.sha256).hexdigest()[:_TOKEN_HEX_DIGITS]
            wanted = f"<{name}:{digits}-{self.signature}>"
            if wanted not in self._value_of:  # two values may share their digits, two tokens never
                token = self._token_of[(name, value)] = wanted
                self._value_of[token] = (name, value)
            attempt += 1
        return token

    def _value_for(self, match: re.Match[str]) -> str:
        known = self._value_of.get(match.group())
        if known is None:
            return match.group()
        self._note("decode", known[0])
        return known[1]

    def _note(self, kind: str, rule_name: str) -> None:
        self._applied[kind] = self._applied.get(kind, 0) + 1
        names = self._applied_names.setdefault(kind, [])
        if rule_name not in names:
            names.append(rule_name)


class _MaskedMetadata:
    """Copies metadata with everything masked that a model, a tool or a user said."""

    def __init__(self, guard: GuardRail, signature: int) -> None:
        self._guard = guard
        self._signature = signature

    def copy_of(self, metadata: dict[str, Any]) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, value in metadata.items():
            if key == "executions":
                copy[key] = [entry for execution in value for entry in self._execution(execution)]
            elif key in _SAID:
                copy[key] = self._masked(value)[0]
            elif isinstance(value, dict):
                copy[key] = self.copy_of(value)
            elif isinstance(value, list):
                copy[key] = [self.copy_of(item) if isinstance(item, dict) else item for item in value]
            else:
                copy[key] = value
        return copy

    def _execution(self, execution: dict[str, Any]) -> Iterator[dict[str, Any]]:
        copy = dict(execution)
        is_tool = execution.get("type") == "tool_call"
        before = after = None
        for key in ("input", "parameters", "output", "tool_calls", "error"):
            if key in copy:
                copy[key], call = self._masked(copy[key])
                if key in ("input", "parameters"):
                    before = call.applied("decode" if is_tool else "encode")
                elif key in ("output", "tool_calls") and not is_tool and self._guard.policy.maps_back():
                    after = after or call.applied("rehydrate")
        yield from (entry for entry in (before, copy, after) if entry is not None)

    def _masked(self, value: Any) -> tuple[Any, GuardedCall]:
        call = self._guard.begin_call(self._signature)
        return call.mask_value(value), call


class UnmaskStream:
    """Unmasks a reply piece by piece; keeps back what may be the beginning of a token, at most one token's length."""

    def __init__(self, call: GuardedCall) -> None:
        self._call = call
        self._held = ""

    def feed(self, piece: str) -> str:
        """Takes the next piece; returns what can be shown by now."""
        text = self._held + piece
        opening = text.rfind("<")
        if opening < 0 or ">" in text[opening:] or len(text) - opening >= _TOKEN_CHARS_MAX:
            opening = len(text)
        self._held = text[opening:]
        return self._call.unmask(text[:opening])

    def finish(self) -> str:
        """What was kept back, once the reply is over."""
        held, self._held = self._held, ""
        return self._call.unmask(held)


def _policy(fields: Any) -> GuardRailPolicyConfig:
    if not isinstance(fields, dict):
        raise _refused(f"expected an object, not {type(fields).__name__}")
    policy = GuardRailPolicyConfig.__new__(GuardRailPolicyConfig)
    policy._name = _typed(fields, "policy_name", str, "default")
    policy._version = _typed(fields, "policy_version", str, "0.0.0")
    body = _typed(fields, "guardrail_policy", dict, None)
    policy._active = _typed(fields, "active", bool, body is not None)
    body = body or {}
    rules = _typed(body, "pii_rules", list, [])
    policy._rules = tuple(_rule(index, rule) for index, rule in enumerate(rules))
    policy._masking = _typed(body, "masking", bool, True)
    policy._mapping = _typed(body, "mapping", bool, False)
    return policy


def _rule(index: int, fields: Any) -> PiiRule:
    place = f"pii_rules[{index}]"
    if not isinstance(fields, dict):
        raise _refused(f"{place}: expected an object, not {type(fields).__name__}")
    kind = _typed(fields, "type", str, "regex")
    if kind != "regex":
        raise _refused(f"{place}: unknown type '{kind}'; only 'regex' is known")
    name = re.sub(r"[<>:\x00-\x1f]", "", _typed(fields, "name", str, "")).strip()
    if not name or len(name) > _NAME_CHARS_MAX:
        raise _refused(f"{place}: a name of 1 to {_NAME_CHARS_MAX} characters is needed")
    pattern = _typed(fields, "pattern", str, "")
    if not pattern:
        raise _refused(f"{place}: a pattern is needed")
    try:
        return PiiRule(name, re.compile(pattern))
    except (re.error, RecursionError, OverflowError) as error:
        raise _refused(f"{place}: invalid pattern: {error}") from None


def _typed(fields: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
    value = fields.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise _refused(f"'{key}' must be {kind.__name__}, not {type(value).__name__}")
    return value


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(str(error)) from None


def _refused(message: str) -> ValidationError:
    return ValidationError(f"GuardRail config error: {message}", field="policy")
