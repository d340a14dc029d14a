-- How many customers stood in each stage at the end of each day (UTC), from the first fact to the last known day.
--
-- It costs one pass over the facts and days × 4 rows, never customers × days: the last fact of a customer's day decides
-- where the customer stands at its end; each change of day's end adds one to a stage and takes one from another; sums
-- over the days give the counts. A fact that another one supersedes counts on no day at all, so a past day is right
-- also after late events. Of what is left, the fact greatest by (at, known_at, offset) up to the day's end decides.
-- Facts are read without FINAL, for a fact that is there twice is still the greatest.
CREATE OR REPLACE VIEW stage_daily
(
    day Date COMMENT 'Day, UTC',
    stage String COMMENT 'awareness, exploration, commitment or dissolution',
    customers Int64 COMMENT 'Customers who stood in that stage when the day ended',
    share Float64 COMMENT 'Their share of all who stood in any stage; 0 on a day without anyone'
)
SQL SECURITY DEFINER AS WITH
    ['awareness', 'exploration', 'commitment', 'dissolution'] AS stages,
    standing AS
    (
        SELECT customer_id, namespace, toDate(at) AS day, argMax(to_stage, (at, known_at, `offset`, episode,
        id)) AS stage
        FROM transitions_raw
        LEFT ANY JOIN
        (
            SELECT customer_id AS led_id, namespace AS led_namespace, epoch AS led_epoch, until AS led_until FROM forwarded
        ) AS lead ON led_id = customer_id AND led_namespace = toString(namespace) AND led_epoch = epoch
        WHERE
            `offset` >= led_until
            AND id NOT IN (SELECT arrayJoin(supersedes) FROM transitions_raw WHERE notEmpty(supersedes))
        GROUP BY customer_id, namespace, day
    ),
    paths AS
    (
        SELECT arraySort(groupArray((day, stage))) AS path FROM standing GROUP BY customer_id, namespace
    ),
    moves AS
    (
        SELECT move.1 AS day, move.2 AS stage, move.3 AS change
        FROM paths
        ARRAY JOIN arrayConcat(
            arrayMap(step -> (step.1, step.2, 1), path),
            arrayMap((next, step) -> (next.1, step.2, -1), arrayPopFront(path), arrayPopBack(path))
        ) AS move
    ),
    ends AS
    (
        SELECT
            (SELECT min(day) FROM standing) AS first_day,
            (SELECT toDate(greatest(max(at), max(known_at))) FROM transitions_raw) AS last_fact,
            (SELECT toDate(max(as_of)) FROM profiles_raw) AS last_profile,
            (SELECT count() > 0 FROM transitions_raw) AS any_fact
    ),
    calendar AS
    (
        SELECT first_day + arrayJoin(range(toUInt32(greatest(last_fact, last_profile) - first_day + 1))) AS day
        FROM ends
        WHERE any_fact
    )
SELECT
    day, stage, customers, if(everyone > 0, customers / everyone, 0) AS share
FROM
(
    SELECT day, stage, customers, sum(customers) OVER (PARTITION BY day) AS everyone
    FROM
    (
        SELECT day, stage, sum(sum(change)) OVER (PARTITION BY stage ORDER BY day) AS customers
        FROM
        (
            SELECT day, stage, change FROM moves
            UNION ALL
            SELECT day, arrayJoin(stages) AS stage, 0 AS change FROM calendar
        )
        WHERE stage IN stages
        GROUP BY day, stage
    )
)
COMMENT 'Customers by stage at the end of each day (UTC)';
