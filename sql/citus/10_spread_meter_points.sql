-- Spread the meter points over the workers, by MPAN; all that is known of one stays together.
--
-- Params: shards (integer)
-- Writes: meter_point
-- Re-run: refused where it is spread; whoever runs it looks before.
SELECT
    create_distributed_table(
        'meter_point', 'mpan_core', colocate_with => 'none', shard_count => %(shards)s
    );
