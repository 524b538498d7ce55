"""`chain`: a workflow whose nodes stand in a row, for the tests."""

from graphbit import Workflow


def chain(*nodes, name="w"):
    """A workflow of the nodes, each connected to the next."""
    flow = Workflow(name)
    ids = [flow.add_node(node) for node in nodes]
    for before, after in zip(ids, ids[1:]):
        flow.connect(before, after)
    return flow
