"""Golden figures: every committed number, key and setting as it was written down once. `tests/test_golden.py` compares.

`python -m tests.golden --write` adds what is new in results/. A line of a `*.txt` file is an id, a space and JSON:

    records/<sweep>/<machine>.txt   key: the metrics of a record; its setting, spec and versions by digest
    settings.txt                    digest: a setting, exactly as keys hash it
    specs.txt, versions.txt         digest: axes of a network; versions of packages
    keys.txt                        key: the parts that it is made of, and the fingerprint of the measured code
    code.txt                        module: digest of its code; package: its version
    fingerprints.txt                spec: fingerprint of the code in code.txt
    plans.txt, confusions.txt, cost_baselines.txt, guard.txt, hardware.txt: digests of the other files in results/
"""
