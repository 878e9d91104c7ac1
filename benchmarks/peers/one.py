"""One measurement in a process of its own: one.py ROW SIDE SETTINGS. Prints it as the last line, in JSON."""
import importlib
import json
import sys

import measure


def main():
    row, side, settings = importlib.import_module(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    with measure.Bystanders() as bystanders:
        result = row.run_side(side, settings)
    print("\n" + json.dumps({"others": bystanders.cores} | result))


if __name__ == "__main__":
    main()
