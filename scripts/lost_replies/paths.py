"""Every write path, in the order of the table."""

from scripts.lost_replies import anaplan_path, fusion_files, fusion_path, jde_path

PATHS = (*jde_path.PATHS, *anaplan_path.PATHS, *fusion_path.PATHS, *fusion_files.PATHS)
