"""How much memory a process and its children hold."""

import psutil


def resident_bytes(process: psutil.Process, *, with_children: bool = True) -> int:
    """RSS of a process and its children, shared pages counted once.

    PostgreSQL's children map the same buffers: adding up their RSS would count these once a connection.
    """
    private = 0
    shared = [0]
    children = process.children(recursive=True) if with_children else []
    for member in [process, *children]:
        try:
            memory = member.memory_info()
        except psutil.NoSuchProcess:
            continue
        common = getattr(memory, "shared", 0)  # Linux tells it; elsewhere everything counts as private
        private += memory.rss - common
        shared.append(common)
    return private + max(shared)
