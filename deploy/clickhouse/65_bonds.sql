CREATE OR REPLACE VIEW commitment
(
    stage String COMMENT 'Stage of the relationship',
    customers UInt64 COMMENT 'Customers in it',
    mean_contribution Float64 COMMENT 'Mean commitment by contribution, 0 to 1',
    mean_investment Float64 COMMENT 'Mean commitment by investment, 0 to 1',
    mean_consistency Float64 COMMENT 'Mean commitment by consistency, 0 to 1',
    contributing UInt64 COMMENT 'Customers with any contribution that has not faded',
    invested UInt64 COMMENT 'Customers with any investment that has not faded'
)
SQL SECURITY DEFINER AS SELECT
    stage, count() AS customers, avg(commitment_contribution) AS mean_contribution,
    avg(commitment_investment) AS mean_investment, avg(commitment_consistency) AS mean_consistency,
    countIf(commitment_contribution > 0) AS contributing, countIf(commitment_investment > 0) AS invested
FROM profiles
GROUP BY stage
COMMENT 'Commitment by stage, of its three kinds: contribution, investment and consistency';

CREATE OR REPLACE VIEW bonds
(
    bond_type String COMMENT 'Bond: none, intellectual, emotional or both',
    bond_strength String COMMENT 'Its strength: none, weak or strong',
    relationship_type String COMMENT 'Type of relationship: exchange or communal',
    customers UInt64 COMMENT 'Customers with it',
    share Float64 COMMENT 'Their share of all customers',
    mean_giving_share Nullable(Float64) COMMENT 'Share of giving in giving and exchanges, mean; null without either',
    mean_clv_minor Float64 COMMENT 'Mean customer lifetime value, minor units of the currency of the policy'
)
SQL SECURITY DEFINER AS SELECT
    bond_type, bond_strength, relationship_type, count() AS customers,
    customers / sum(customers) OVER () AS share,
    avgOrNullIf(giving / (giving + exchanges), giving + exchanges > 0) AS mean_giving_share,
    avg(clv_minor) AS mean_clv_minor
FROM profiles
GROUP BY bond_type, bond_strength, relationship_type
COMMENT 'Bonds: how many customers are bound by what, how strongly, and in which type of relationship';

CREATE OR REPLACE VIEW involvement
(
    involvement String COMMENT 'situational or enduring',
    stage String COMMENT 'Stage of the relationship',
    customers UInt64 COMMENT 'Customers with it in that stage',
    share Float64 COMMENT 'Their share of the customers in that stage',
    mean_active_months Float64 COMMENT 'Different months in which they were active, mean',
    mean_interest_long Float64 COMMENT 'Interest with the long half-life, mean',
    mean_interest_short Float64 COMMENT 'Interest with the short half-life, mean',
    mean_clv_minor Float64 COMMENT 'Mean customer lifetime value, minor units of the currency of the policy'
)
SQL SECURITY DEFINER AS SELECT
    involvement, stage, count() AS customers, customers / sum(customers) OVER (PARTITION BY stage) AS share,
    avg(active_months) AS mean_active_months, avg(interest_long) AS mean_interest_long,
    avg(interest_short) AS mean_interest_short, avg(clv_minor) AS mean_clv_minor
FROM profiles
GROUP BY involvement, stage
COMMENT 'Involvement, enduring or situational, by stage';
