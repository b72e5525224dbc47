"""Trains the corpus anew: ``python -m tests.corpus.make [KIND …]``; a quarter of an hour on one core."""

from __future__ import annotations

import sys
import time

from tests.corpus.faults import FAULTS
from tests.corpus.healthy import KINDS, SEEDS, train_healthy
from tests.corpus.recordings import save
from tests.corpus.trainings import trained

if __name__ == "__main__":
    wanted = sys.argv[1:] or [*FAULTS, *KINDS]
    for kind in wanted:
        began = time.perf_counter()
        if kind in FAULTS:
            cases = [
                trained(FAULTS[kind](severity, seed), kind, severity, seed)
                for seed in range(3)
                for severity in (1, 2, 3)
            ]
        else:
            cases = [train_healthy(kind, seed) for seed in SEEDS]
        save(cases)
        print(f"{kind}: {len(cases)} trainings in {time.perf_counter() - began:.1f} s", flush=True)
