"""Runs every benchmark at its normal size, one after the other, and writes the output of each to a folder.

    .venv/bin/python benchmarks/all.py CLIPS OUT

CLIPS is a folder of at least 64 real clips. docs/figures.md lists what each command measures and how long
it takes.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    "-m explorer index CLIPS --db OUT/songs.db --weights untrained --hop 1 --limit 64 --precision bfloat16",
    *("benchmarks/embedding.py CLIPS", "benchmarks/indexing.py CLIPS", "benchmarks/hop.py CLIPS"),
    *("benchmarks/page.py --db OUT/songs.db", "benchmarks/stability.py --db OUT/songs.db --whole-groups"),
    *("benchmarks/scale.py", "benchmarks/million.py CLIPS", "benchmarks/synthetic.py OUT/synthetic.db"),
    "benchmarks/hostile.py CLIPS",
    *(
        "benchmarks/load.py",
        "benchmarks/reading.py CLIPS",
        "benchmarks/sampled.py CLIPS",
        "benchmarks/versions.py CLIPS",
    ),
    *("benchmarks/cores.py CLIPS", "benchmarks/features.py CLIPS"),
    *("benchmarks/kills.py", "benchmarks/cluster.py", "benchmarks/gpu.py"),
    *("benchmarks/million_map.py", "benchmarks/windows.py CLIPS --cache OUT/frames"),
    "benchmarks/moments.py OUT/songs.db",
    *("benchmarks/first_look.py CLIPS --cache OUT/windows", "benchmarks/first_map.py CLIPS"),
    "benchmarks/structure.py CLIPS",
)


def main() -> None:
    """Run the commands."""
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    clips, out = (Path(name).resolve() for name in sys.argv[1:])
    out.mkdir(parents=True)
    for number, command in enumerate(COMMANDS):
        words = [word.replace("CLIPS", str(clips)).replace("OUT", str(out)) for word in command.split()]
        started = time.monotonic()
        with (out / f"{number:02d}-{Path(words[0]).stem.strip('-')}.txt").open("w") as log:
            result = subprocess.run([sys.executable, *words], cwd=ROOT, stdout=log, stderr=log)
        print(f"{command}: status {result.returncode}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
