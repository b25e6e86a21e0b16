"""The pages that people read the warehouse by: they find, explain and hand on, and change nothing.

Importing the modules registers them, which is what the admin's autodiscovery asks for.
"""

from warehouse.admin import audit, flow_files, line_issues, meter_points, readings


__all__ = ["audit", "flow_files", "line_issues", "meter_points", "readings"]
