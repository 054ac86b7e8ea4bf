"""`python -m bench`."""

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["gpu-records"]:  # a copy on a GPU machine may lack what the command line itself loads
        from bench.gpu_records.needs import refuse_missing_packages

        refuse_missing_packages()
    from bench.cli import main

    main()
