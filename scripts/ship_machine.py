"""Put a machine that `fullbore design system --out FOLDER` wrote among those that are shipped: python scripts/ship_machine.py FOLDER.

Smooth maps are rounded to steps far under what a scan or a design can tell, so that the package stays small.
"""

import sys
from dataclasses import replace
from pathlib import Path

from fullbore.files import read_machine, write_machine

HOME = Path(__file__).parents[1] / "src" / "fullbore" / "hardware" / "systems"
STEPS = {
    "receive.sensitivity.values": 2.0**-12,  # of the array's sensitivity at the isocentre
    "transmit.values": 2.0**-14,  # of the nominal B1+
    "flaws.gradient_fields_m.values": 2.0**-23,  # 0.12 um
}
SOURCE = "every part designed by Fullbore from the brief beside it; rasters and law of stimulation of fullbore-75cm"

if __name__ == "__main__":
    made = read_machine(Path(sys.argv[1]))
    home = HOME / made.name
    home.mkdir(exist_ok=True)
    sha = write_machine(replace(made, source=SOURCE), home, STEPS)
    print(f"{home}: {sha}, {sum(item.stat().st_size for item in home.iterdir())} bytes")
