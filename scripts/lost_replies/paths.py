"""Every write path, in the order of the table."""

from scripts.lost_replies import anaplan_path, jde_path

PATHS = (*jde_path.PATHS, *anaplan_path.PATHS)
