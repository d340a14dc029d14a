-- Each touchpoint is a candidate for the customer's next move upward, if that came within 30 days. The touchpoint that
-- made the move is not before it, and does not count. Lift compares shares of all touchpoints, not rates: before a move
-- there is more of everything, and a lever is what there is more of than of the rest.
CREATE OR REPLACE VIEW levers
(
    from_stage String COMMENT 'Stage before the move: awareness, exploration or dissolution',
    to_stage String COMMENT 'Stage after it, which is higher, or any after dissolution',
    kind String COMMENT 'Kind of touchpoint',
    initiative String COMMENT 'Whose initiative it is by the policy in force; empty when that does not name the kind',
    touchpoints UInt64 COMMENT 'Touchpoints of the kind within the 30 days before such a move',
    moves_with UInt64 COMMENT 'Moves with at least one of them before',
    moves UInt64 COMMENT 'Moves from that stage to the other, with anything or nothing before',
    share_of_moves Float64 COMMENT 'moves_with / moves',
    share_before Float64 COMMENT 'Share of the kind in all touchpoints within the 30 days before such a move',
    share_otherwise Nullable(Float64) COMMENT 'Share of the kind in all other touchpoints; null when there are none',
    lift Nullable(Float64) COMMENT 'share_before / share_otherwise; null when the kind never came otherwise'
)
SQL SECURITY DEFINER AS WITH
    upward AS
    (
        SELECT customer_id, namespace, came_from, stage, since, transition_id
        FROM stays
        WHERE (came_from, stage) IN (
            ('awareness', 'exploration'), ('awareness', 'commitment'), ('exploration', 'commitment'),
            ('dissolution', 'awareness'), ('dissolution', 'exploration'), ('dissolution', 'commitment')
        )
    ),
    counted AS
    (
        SELECT
            touch.kind AS kind,
            move.transition_id != '' AND touch.occurred_at >= move.since - INTERVAL 30 DAY AS before,
            if(before, move.came_from, '') AS from_stage,
            if(before, move.stage, '') AS to_stage,
            count() AS n,
            uniqExactIf(move.transition_id, before) AS moves_with
        FROM touchpoints AS touch
        ASOF LEFT JOIN upward AS move
            ON move.customer_id = touch.customer_id AND move.namespace = touch.namespace AND touch.occurred_at < move.since
        WHERE touch.properties['bot'] != 'true'
        GROUP BY kind, before, from_stage, to_stage
    ),
    shares AS
    (
        SELECT
            kind, from_stage, to_stage, n, moves_with,
            sum(n) OVER () AS all_n,
            sum(n) OVER (PARTITION BY kind) AS kind_n,
            sum(n) OVER (PARTITION BY from_stage, to_stage) AS before_n
        FROM counted
    )
SELECT
    share.from_stage AS from_stage, share.to_stage AS to_stage, share.kind AS kind,
    meaning.initiative AS initiative, share.n AS touchpoints, share.moves_with AS moves_with, total.moves AS moves,
    moves_with / moves AS share_of_moves, touchpoints / share.before_n AS share_before,
    if(share.all_n > share.before_n, (share.kind_n - share.n) / (share.all_n - share.before_n), NULL)
        AS share_otherwise,
    if(share_otherwise > 0, share_before / share_otherwise, NULL) AS lift
FROM shares AS share
INNER JOIN (SELECT came_from, stage, count() AS moves FROM upward GROUP BY came_from, stage) AS total
    ON total.came_from = share.from_stage AND total.stage = share.to_stage
LEFT JOIN (SELECT kind, initiative FROM meanings WHERE in_force) AS meaning ON meaning.kind = share.kind
COMMENT 'Levers: which kinds of touchpoints came before upward moves, more often than they come otherwise';
