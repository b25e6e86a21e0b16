-- Tell of each reading whether it counts: nothing is merged or deleted, so this is told when
-- readings are read. Source: the D0010 specification, section 7; the rules, in order:
--
--   withdrawal  a W row: it takes a reading back and is none itself
--   withdrawn   a W row has the same register, time, value and validation status, in whatever
--               file, and whether it came before or after
--   superseded  another value for the same register and time arrived later; or the same value
--               and type has been validated (V), or, where none has, arrived later with another
--               validation status
--   repeated    the same in all of that came before
--   current     all others
--
-- An initial reading (I) starts a register anew, often at the instant of the final one (F), so
-- initial readings are compared with one another only. "Later" is the order of arrival: the ids
-- of lines. Every window is within one MPAN, so a search by MPAN reads that meter point alone.
--
-- A migration reads this file: never edit it, add a _v2.
CREATE VIEW reading_standing AS
WITH cancelled AS (
    SELECT
        id,
        mpan_core,
        register_id,
        read_at,
        value,
        reading_type,
        validation_status,
        reading_type = 'W' AS is_withdrawal,
        bool_or(reading_type = 'W') OVER (
            PARTITION BY mpan_core, register_id, read_at, value, validation_status
        ) AS is_withdrawn
    FROM reading
),

arrived AS (
    SELECT
        *,
        min(id) OVER (
            PARTITION BY
                mpan_core, register_id, read_at, is_withdrawn, reading_type = 'I', value
        ) AS value_arrived,
        min(id) OVER (
            PARTITION BY
                mpan_core, register_id, read_at, is_withdrawn, reading_type = 'I', value,
                reading_type, validation_status
        ) AS status_arrived
    FROM cancelled
),

ranked AS (
    SELECT
        *,
        max(value_arrived) OVER (
            PARTITION BY mpan_core, register_id, read_at, is_withdrawn, reading_type = 'I'
        ) AS latest_value_arrived,
        rank() OVER (
            PARTITION BY
                mpan_core, register_id, read_at, is_withdrawn, reading_type = 'I', value,
                reading_type
            ORDER BY validation_status = 'V' DESC, status_arrived DESC
        ) AS status_rank
    FROM arrived
)

SELECT
    id AS reading_id,
    mpan_core,
    CASE
        WHEN is_withdrawal THEN 'withdrawal'
        WHEN is_withdrawn THEN 'withdrawn'
        WHEN value_arrived <> latest_value_arrived OR status_rank > 1 THEN 'superseded'
        WHEN id <> status_arrived THEN 'repeated'
        ELSE 'current'
    END AS standing
FROM ranked;
