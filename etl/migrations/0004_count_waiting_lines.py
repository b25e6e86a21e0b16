from django.db import migrations


# What a file holds is counted when it is staged; these were staged before that was so.
COUNT = """
UPDATE flow_file
SET
    meter_point_line_count = counted.meter_point_line_count,
    meter_line_count = counted.meter_line_count,
    reading_count = counted.reading_count,
    validation_result_count = counted.validation_result_count,
    site_visit_count = counted.site_visit_count
FROM (
    SELECT
        id >> 32 AS flow_file_id,
        count(*) FILTER (WHERE group_code = '026') AS meter_point_line_count,
        count(*) FILTER (WHERE group_code = '028') AS meter_line_count,
        count(*) FILTER (WHERE group_code = '030') AS reading_count,
        count(*) FILTER (WHERE group_code = '032') AS validation_result_count,
        count(*) FILTER (WHERE group_code IN ('027', '029', '033')) AS site_visit_count
    FROM staged_line
    WHERE id >> 32 IN (SELECT id FROM flow_file WHERE status = 'STAGED')
    GROUP BY id >> 32
) AS counted
WHERE flow_file.id = counted.flow_file_id
"""


class Migration(migrations.Migration):
    dependencies = (("etl", "0003_transform_permission"), ("warehouse", "0003_look_up"))

    operations = (migrations.RunSQL(COUNT, migrations.RunSQL.noop),)
