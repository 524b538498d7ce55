"""The module itself: names, functions, system information (contract section 1)."""

import subprocess
import sys
import time

import graphbit
import pytest

NAMES = """init version get_system_info health_check configure_runtime shutdown DocumentLoaderConfig
DocumentContent DocumentLoader LlmConfig LlmClient LlmUsage FinishReason LlmToolCall LlmResponse
GuardRailPolicyConfig Node Workflow WorkflowContext WorkflowResult Executor EmbeddingConfig
EmbeddingClient MemoryConfig MemoryClient PyMemory PyScoredMemory PyMemoryHistory TextSplitterConfig
TextChunk CharacterSplitter TokenSplitter SentenceSplitter RecursiveSplitter TextSplitter ToolResult
ToolRegistry ToolDecorator ToolExecutor ExecutorConfig ToolResultCollection tool get_tool_registry
clear_tools execute_tool get_registered_tools execute_workflow_tool_calls
execute_production_tool_calls sync_global_tools_to_workflow WorkflowStreamIterator""".split()


def run(code, **kwargs):
    """Runs `code` in a fresh interpreter; its stdout."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, **kwargs
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_contract_is_exported(name):
    assert name in graphbit.__all__
    assert getattr(graphbit, name) is not None
    assert name in dir(graphbit)


def test_upstreams_native_module_name_gives_the_same_objects():
    from graphbit.graphbit import Executor, LlmClient

    assert LlmClient is graphbit.LlmClient
    assert Executor is graphbit.Executor


def test_unknown_names_raise_attribute_error():
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = graphbit.no_such_thing


def test_version_author_and_description():
    assert graphbit.version() == graphbit.__version__
    assert graphbit.__author__ and graphbit.__description__


def test_import_is_light_and_starts_nothing():
    out = run(
        "import sys, threading, os, graphbit\n"
        "heavy = {'asyncio', 'inspect', 'json', 'typing', 'graphbit._core'} & set(sys.modules)\n"
        "print(sorted(heavy), len(os.listdir('/proc/self/task')))"
    )
    assert out == "[] 1"


def test_nothing_is_printed_to_stdout_by_the_library(simulator):
    out = run(
        "import sys\nfrom graphbit import *\n"
        "init(log_level='trace', debug=True)\n"
        f"client = LlmClient(LlmConfig.openai('k', 'm', base_url='{simulator.url}/v1'), debug=True)\n"
        "client.complete('hi')\nshutdown()"
    )
    assert out == ""


def test_init_takes_effect_once_and_never_raises_for_a_level():
    run(
        "import graphbit\n"
        "graphbit.init(log_level='no such level', enable_tracing=True, debug=False)\n"
        "graphbit.init()\ngraphbit.init(default_timeout_s=1)\n"
        "assert graphbit.get_system_info()['runtime_initialized'] is True\n"
        "graphbit.shutdown()\ngraphbit.init()\n"
        "assert graphbit.get_system_info()['runtime_initialized'] is True"
    )


@pytest.mark.parametrize(
    "arguments", [{"log_level": 5}, {"enable_tracing": 1}, {"debug": "yes"}]
)
def test_init_refuses_wrong_types(arguments):
    with pytest.raises(TypeError):
        graphbit.init(**arguments)


def test_system_info_before_and_after_the_start():
    run(
        "import graphbit\n"
        "info = graphbit.get_system_info()\n"
        "assert info['runtime_initialized'] is False and info['runtime_worker_threads'] >= 4\n"
        "assert 'runtime_uptime_seconds' not in info\n"
        "graphbit.init()\n"
        "info = graphbit.get_system_info()\n"
        "assert info['runtime_initialized'] is True and info['runtime_uptime_seconds'] == 0\n"
        "assert info['thread_stack_size_bytes'] == 1024 * 1024, info\n"
        "assert info['reactors'] >= 1 and info['memory_allocator'] in ('system', 'jemalloc')"
    )


def test_system_info_keys(client):
    client.complete("hi")
    info = graphbit.get_system_info()
    for key in ("cpu_count", "runtime_worker_threads", "runtime_max_blocking_threads", "reactors",
                "actors_alive", "in_flight", "open_connections", "blocking_threads"):  # fmt: skip
        assert isinstance(info[key], int), key
    assert info["version"] == info["python_binding_version"] == graphbit.version()
    assert info["build_profile"] in ("release", "debug")
    assert info["open_connections"] >= 1


def test_health_check():
    health = graphbit.health_check()
    assert health["overall_healthy"] is True and health["runtime_healthy"] is True
    assert health["available_memory_mb"] <= health["total_memory_mb"]
    assert abs(health["timestamp"] - time.time()) < 5


def test_health_without_a_runtime():
    run(
        "import graphbit\nhealth = graphbit.health_check()\n"
        "assert health['runtime_stats_available'] is False and health['overall_healthy'] is True"
    )


@pytest.mark.parametrize("name", ["worker_threads", "max_blocking_threads", "thread_stack_size_mb"])
@pytest.mark.parametrize("value", [0, -1])
def test_configure_runtime_refuses_what_is_not_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive, got: {value}"):
        graphbit.configure_runtime(**{name: value})


def test_configure_runtime_applies_at_the_start():
    run(
        "import graphbit\n"
        "graphbit.configure_runtime(worker_threads=5, max_blocking_threads=3,"
        " thread_stack_size_mb=2, reactors=2, thread_name_prefix='mine')\n"
        "graphbit.init()\n"
        "info = graphbit.get_system_info()\n"
        "assert info['runtime_worker_threads'] == 5 and info['runtime_max_blocking_threads'] == 3\n"
        "assert info['thread_stack_size_bytes'] == 2 * 1024 * 1024 and info['reactors'] == 2\n"
        "import os, time\n"
        "for _ in range(1000):\n"  # a thread names itself once it runs
        "    names = {open(f'/proc/self/task/{t}/comm').read().strip()"
        " for t in os.listdir('/proc/self/task')}\n"
        "    if any(name.startswith('mine') for name in names): break\n"
        "    time.sleep(0.01)\n"
        "else: raise AssertionError(names)"
    )


def test_configure_runtime_warns_once_it_has_started():
    run(
        "import graphbit, warnings\n"
        "graphbit.init()\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    graphbit.configure_runtime(worker_threads=6)\n"
        "assert [w.category for w in caught] == [RuntimeWarning]\n"
        "assert graphbit.get_system_info()['runtime_worker_threads'] != 6\n"
        "graphbit.shutdown()\ngraphbit.init()\n"
        "import graphbit._core; graphbit._core.start_runtime()\n"
        "assert graphbit.get_system_info()['runtime_worker_threads'] == 6"
    )


def test_shutdown_any_number_of_times_and_use_afterwards(simulator):
    run(
        "import graphbit\n"
        f"config = graphbit.LlmConfig.openai('k', 'm', base_url='{simulator.url}/v1')\n"
        "client = graphbit.LlmClient(config)\n"
        "for _ in range(3):\n"
        "    assert client.complete('hi')\n"
        "    graphbit.shutdown(); graphbit.shutdown()\n"
        "    assert graphbit.health_check()['runtime_healthy'] is True\n"
        "assert client.get_stats()['total_requests'] == 3"
    )


def test_upstreams_distribution_beside_ours_is_named_once(tmp_path):
    import shutil

    package = tmp_path / "graphbit"
    package.mkdir()
    shutil.copy(graphbit.__file__, package / "__init__.py")
    (tmp_path / "graphbit-0.6.8.dist-info").mkdir()
    out = run(
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import graphbit\n"
        "    import graphbit\n"
        "print(len(caught), caught[0].message)",
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert out.startswith("1 ") and "pip uninstall -y graphbit graphbit-actors" in out
