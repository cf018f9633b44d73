"""Note what a lab's kernel uses. IPython runs this file when the kernel starts.

After each cell it writes seconds since the start, peak memory and the file that `mmcourse` was
imported from. Nothing is added to the notebook, so readers see none of it. Everything stands
inside one function, since this file shares its names with the notebook.
"""


def watch(shell) -> None:  # type: ignore[no-untyped-def]
    """Write the notes after every cell, so that they survive however the kernel ends."""
    import json
    import os
    import resource
    import sys
    import time
    from pathlib import Path

    began = time.monotonic()
    # pytest names the running test, here "ch01_joint_embeddings.ipynb::... (call)".
    notebook = Path(os.environ["PYTEST_CURRENT_TEST"].split("::")[0]).stem
    target = Path(os.environ["MMCOURSE_PROBE"]) / f"{notebook}.json"
    status = Path("/proc/self/status")

    def peak_bytes() -> int:
        if status.exists():
            line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
            return int(line.split()[1]) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def note(_result: object = None) -> None:
        notes = {
            "seconds": round(time.monotonic() - began, 1),
            "memory_gb": round(peak_bytes() / 1e9, 2),
            "package": getattr(sys.modules.get("mmcourse"), "__file__", None),
        }
        target.write_text(json.dumps(notes))

    shell.events.register("post_run_cell", note)


watch(get_ipython())  # type: ignore[name-defined]  # noqa: F821
del watch
