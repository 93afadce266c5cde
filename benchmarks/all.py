"""Run every benchmark at its normal size, one after the other, and write what each prints into a folder.

    .venv/bin/python benchmarks/all.py CLIPS OUT

CLIPS is a folder of at least 64 real clips. docs/figures.md says what each command measures and how long it
takes.
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = (
    "-m explorer index CLIPS --db OUT/songs.db --weights untrained --hop 1 --limit 64 --precision bfloat16"
)
COMMANDS = (
    *("embedding.py CLIPS", "indexing.py CLIPS", "hop.py CLIPS", "page.py --db OUT/songs.db"),
    *("stability.py --db OUT/songs.db --whole-groups", "scale.py", "synthetic.py OUT/synthetic.db"),
    *("hostile.py CLIPS", "kills.py", "cluster.py", "gpu.py"),
)


def main() -> None:
    """Run them."""
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    paths = dict(zip(("CLIPS", "OUT"), (str(Path(name).resolve()) for name in sys.argv[1:]), strict=True))
    Path(paths["OUT"]).mkdir(parents=True)
    for command in (LIBRARY, *COMMANDS):
        name, *rest = command.split()
        words = [str(HERE / name) if name != "-m" else name, *rest]
        words = [paths.get(word, word.replace("OUT/", f"{paths['OUT']}/")) for word in words]
        started = time.monotonic()
        with (Path(paths["OUT"]) / f"{Path(name).stem.strip('-')}.txt").open("w") as out:
            done = subprocess.run([sys.executable, *words], cwd=HERE.parent, stdout=out, stderr=out)
        print(f"{command}: status {done.returncode}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
