"""`python -m mmcourse` is `mmcourse`."""

from mmcourse.cli import main

if __name__ == "__main__":
    main()
