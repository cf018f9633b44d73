"""Note what a lab's kernel uses. IPython runs this file when the kernel starts.

After each cell it writes seconds since the start, peak memory, the file that `mmcourse` was
imported from, and the files of the repository that Python opened. Nothing is added to the
notebook, so readers see none of it. Everything stands inside one function, since this file shares
its names with the notebook.
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

    repository = os.environ["MMCOURSE_REPOSITORY"] + os.sep
    # The unpacked wheel and the environment may lie below it, and are what a reader has too.
    installed = tuple(
        f"{top}{os.sep}" for top in os.environ["MMCOURSE_INSTALLED"].split(os.pathsep)
    )
    opened: set[str] = set()

    def listen(event: str, arguments: tuple) -> None:
        if event not in ("open", "os.listdir", "os.scandir"):
            return
        if isinstance(arguments[0], str | bytes | os.PathLike):  # else a number or nothing
            path = os.path.abspath(os.fsdecode(arguments[0])) + os.sep
            if path.startswith(repository) and not path.startswith(installed):
                opened.add(os.path.relpath(path, repository))

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
            "repository_files": sorted(opened),
        }
        target.write_text(json.dumps(notes))

    sys.addaudithook(listen)
    shell.events.register("post_run_cell", note)


watch(get_ipython())  # type: ignore[name-defined]  # noqa: F821
del watch
