"""Find the Chromium that the browser tests drive; as root on Debian, install it."""

import os
import shutil
import subprocess
import sys

from mmcourse.doctor import find_chromium


def main() -> None:
    """Print where Chromium is, after installing it if that is possible and needed."""
    apt = shutil.which("apt-get")
    if not find_chromium() and apt and os.geteuid() == 0:
        print("no Chromium found: installing Debian's", flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        subprocess.run([apt, "update", "-qq"], check=True)
        install = [apt, "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    found = find_chromium()
    if not found:
        sys.exit(
            "the browser tests need Chromium: install it (Debian: apt-get install chromium),"
            " or name a browser in MMCOURSE_CHROMIUM"
        )
    print(found)


if __name__ == "__main__":
    main()
