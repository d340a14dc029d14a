-- Moves upward per customer-day, with and without a touchpoint of the kind within the 30 days before. The touchpoint that
-- made the move is not before it. Days and moves are compared within a stage and a band of tenure, since a newcomer gets
-- more of everything and moves sooner. The interval is that of the logarithm of a ratio of two Poisson rates (Rothman,
-- Greenland & Lash 2008, "Modern Epidemiology", ch. 14): exp(ln ratio ± 1.96 · sqrt(1/moves_with + 1/moves_without)).
CREATE OR REPLACE VIEW lever_rates
(
    stage String COMMENT 'Stage of the customers: awareness, exploration or dissolution',
    tenure String COMMENT 'Since their first stage began: first month, first year or later',
    kind String COMMENT 'Kind of touchpoint',
    days_with Float64 COMMENT 'Customer-days in that stage with a touchpoint of the kind within the 30 days before',
    days_without Float64 COMMENT 'Other customer-days in that stage',
    moves_with UInt64 COMMENT 'Moves to a higher stage on days of the former sort',
    moves_without UInt64 COMMENT 'Moves to a higher stage on days of the latter sort',
    rate_with Nullable(Float64) COMMENT 'Moves for 1,000 customer-days with it; null without such days',
    rate_without Nullable(Float64) COMMENT 'Moves for 1,000 customer-days without it; null without such days',
    ratio Nullable(Float64) COMMENT 'rate_with / rate_without: above 1, moves come sooner after it; null where one of them is 0',
    ratio_low Nullable(Float64) COMMENT 'Lower end of the 95 % interval of the ratio',
    ratio_high Nullable(Float64) COMMENT 'Upper end of it'
)
SQL SECURITY DEFINER AS WITH
    spans AS
    (
        SELECT
            stay.customer_id AS customer_id, stay.namespace AS namespace, stay.stage AS stage, stay.since AS since,
            ifNull(stay.until, known.at) AS until,
            stay.until IS NOT NULL AND (stay.stage, stay.went_to) IN (
                ('awareness', 'exploration'), ('awareness', 'commitment'), ('exploration', 'commitment'),
                ('dissolution', 'awareness'), ('dissolution', 'exploration'), ('dissolution', 'commitment')
            ) AS moves,
            min(stay.since) OVER (PARTITION BY stay.customer_id, stay.namespace) AS began
        FROM stays AS stay
        CROSS JOIN known_until AS known
    ),
    -- Cut at the borders of the bands; a move belongs to the band in which the stay ends.
    pieces AS
    (
        SELECT
            customer_id, namespace, stage, band.3 AS tenure,
            greatest(since, began + toIntervalDay(band.1)) AS start,
            least(until, began + toIntervalDay(band.2)) AS stop,
            moves AND until <= began + toIntervalDay(band.2) AS moved
        FROM spans
        ARRAY JOIN [(0, 30, 'first month'), (30, 365, 'first year'), (365, 36500, 'later')] AS band
        WHERE stage IN ('awareness', 'exploration', 'dissolution') AND start < stop
    ),
    -- Each touchpoint counts for 30 days, or until the next of its kind.
    exposed AS
    (
        SELECT
            customer_id, namespace, kind, occurred_at AS start,
            least(occurred_at + INTERVAL 30 DAY, leadInFrame(occurred_at, 1, occurred_at + INTERVAL 30 DAY) OVER (
                PARTITION BY customer_id, namespace, kind ORDER BY occurred_at
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            )) AS stop
        FROM touchpoint_meanings
    ),
    whole AS
    (
        SELECT stage, tenure, sum(dateDiff('millisecond', start, stop)) / 86400000 AS days, countIf(moved) AS moves
        FROM pieces
        GROUP BY stage, tenure
    ),
    counted AS
    (
        SELECT
            piece.stage AS stage, piece.tenure AS tenure, lever.kind AS kind,
            sum(dateDiff('millisecond', greatest(piece.start, lever.start), least(piece.stop, lever.stop))) / 86400000 AS days,
            countIf(piece.moved AND lever.start < piece.stop AND piece.stop <= lever.stop) AS moves
        FROM pieces AS piece
        INNER JOIN exposed AS lever ON lever.customer_id = piece.customer_id AND lever.namespace = piece.namespace
        WHERE lever.start < piece.stop AND lever.stop > piece.start
        GROUP BY stage, tenure, kind
    )
SELECT
    seen.stage AS stage, seen.tenure AS tenure, seen.kind AS kind, seen.days AS days_with,
    greatest(whole.days - seen.days, 0) AS days_without, seen.moves AS moves_with, whole.moves - seen.moves AS moves_without,
    if(days_with > 0, 1000 * moves_with / days_with, NULL) AS rate_with,
    if(days_without > 0, 1000 * moves_without / days_without, NULL) AS rate_without,
    if(rate_with > 0 AND rate_without > 0, rate_with / rate_without, NULL) AS ratio,
    ratio * exp(-1.96 * sqrt(1 / moves_with + 1 / moves_without)) AS ratio_low,
    ratio * exp(1.96 * sqrt(1 / moves_with + 1 / moves_without)) AS ratio_high
FROM counted AS seen
INNER JOIN whole ON whole.stage = seen.stage AND whole.tenure = seen.tenure
COMMENT 'Levers as rates: how much sooner customers move up after a kind of touchpoint, by stage and tenure';
