"""The row of one customer: every field, its type and its bytes. 2,992 bytes in all, padding included.

The *profile* is built from operations whose order does not matter: counts, sums, least and greatest instants, bitmaps,
decayed sums, and sets of the N newest where a sum can't do (an order and its refund, a question and its answer). The
*delivery memory* (the last offset) and the *published memory* (what was last said about the
customer) follow arrival.
"""

from typing import Any, Final

import numpy as np

from processors.row.calendar import DAY_WORDS

NONE: Final = -(2**63)  # no such instant; below every other, so that max() needs no special case
NEVER: Final = 2**63 - 1

# The N of each set of the newest. Beyond it the oldest are forgotten, and counted in ``forgotten``.
ORDERS: Final = 8
PURCHASES: Final = 4  # instants, for going on record together with an enrolment
ENROLMENTS: Final = 2
QUESTIONS: Final = 6
ANSWERS: Final = 6
RESOLUTIONS: Final = 4
SIGNALS: Final = 3  # failures, and signals of a competitor; of each
ENDINGS: Final = 2  # signs that the category was outgrown
CONTACT_WORDS: Final = 8  # 504 days of contact by the firm
SUMS: Final = 32  # see processors.row.sums
FACTORS: Final = 7  # of trust
TERMS: Final = 4  # openings and renewals of what binds for a time
JUDGEMENT_ROOM: Final = 24  # see processors.judgements.catalogue
CONSENTS: Final = 4  # to everything, and by channel: email, sms, push
QUIET_CLOCKS: Final = 3  # rules of the policy that wait for silence after some kinds of touchpoints
REMEMBERED: Final = 24  # rules of the policy of which is remembered when they fired
TRIGGERS_SENT: Final = 4  # newest triggers, to count against the cap
TRAITS: Final = 8  # properties of the customer's own that the policy names
SENDERS: Final = 4  # rules that last fired under another id of the customer
LINKED: Final = 4  # ids that were looked at last as another one of the customer

PROFILE_FIELDS: Final = [
    ("first_at", "i8"),  # of all touchpoints; NEVER before the first
    ("last_at", "i8"),  # also the instant as of which the decayed sums stand
    ("first_initiative_at", "i8"),  # initiative is the customer's own
    ("last_initiative_at", "i8"),
    ("first_purchase_at", "i8"),
    ("last_purchase_at", "i8"),
    ("last_investment_at", "i8"),
    ("last_contribution_at", "i8"),
    ("last_customer_exit_at", "i8"),
    ("last_firm_exit_at", "i8"),
    ("spend_minor", "i8"),  # in minor units of the policy's currency
    ("interaction", "f8"),  # decayed count of all touchpoints
    ("engagement", "f8"),  # decayed sum of the kinds' engagement weights
    ("touchpoints", "i4"),
    ("purchases", "i4"),
    ("days_top", "i4"),  # index of the newest word of purchase_days
    ("days_before", "i4"),  # distinct purchase days that left the window
    ("purchase_days", "u8", (DAY_WORDS,)),
    ("sums", "f8", (SUMS,)),  # decayed with the long half-life
    ("cost_minor", "i8"),  # cost to serve
    ("margin_minor", "i8"),  # less what refunds and cancellations took back
    ("refunded_minor", "i8"),  # taken back by refunds and cancellations
    ("discount_minor", "i8"),  # given away, as far as touchpoints tell
    ("day_sum", "i8"),  # sum of the purchases' days since 2000-01-01 …
    ("day_squares", "i8"),  # … and of their squares
    ("last_record_at", "i8"),  # went on record
    ("last_closing_at", "i8"),  # closed a tie
    ("first_contact_at", "i8"),  # by the firm
    ("last_contact_at", "i8"),
    ("last_finite_at", "i8"),  # bought in a category that ends by itself
    ("last_manager_at", "i8"),  # a personal manager was assigned
    ("last_two_way_at", "i8"),
    ("ties_opened", "i4"),
    ("ties_closed", "i4"),
    ("discounted", "i4"),  # purchases
    ("returned", "i4"),  # orders returned or cancelled
    ("returns_loose", "i4"),  # without an order id: returns …
    ("refunds_loose", "i4"),  # … refunds …
    ("cancels_loose", "i4"),  # … cancellations
    ("gifts", "i4"),  # purchases that were gifts or in one-off categories
    ("two_way", "i4"),
    ("outbound", "i4"),
    ("individual", "i4"),
    ("referrals", "i4"),
    ("complaints", "i4"),
    ("disclosures", "i4"),
    ("unmapped", "i4"),
    ("outside", "i4"),  # touchpoints that say the customer is out of target
    ("inside", "i4"),
    ("forgotten", "i4"),  # what fell out of sets of the newest
    ("months_top", "i4"),  # newest month with an initiative, since 1970-01
    ("contact_top", "i4"),  # index of the newest word of contact_days
    ("months", "u8"),  # bit i: an initiative in the month months_top - i
    ("contact_days", "u8", (CONTACT_WORDS,)),
    ("order_hash", "u8", (ORDERS,)),  # XXH64 of the order id; 0: free
    ("order_at", "i8", (ORDERS,)),  # newest touchpoint of the order
    ("order_amount", "i8", (ORDERS,)),
    ("order_margin", "i8", (ORDERS,)),
    ("order_refunded", "i8", (ORDERS,)),
    ("order_flags", "u1", (ORDERS,)),
    ("bought_at", "i8", (PURCHASES,)),
    ("enrolled_at", "i8", (ENROLMENTS,)),
    ("question_at", "i8", (QUESTIONS,)),
    ("question_event", "u8", (QUESTIONS,)),
    ("question_answered_at", "i8", (QUESTIONS,)),  # the first answer after it; NEVER: none
    ("question_resolved_at", "i8", (QUESTIONS,)),
    ("question_complaint", "u1", (QUESTIONS,)),  # 1: a question, 2: a complaint, 3: both
    ("answer_at", "i8", (ANSWERS,)),
    ("resolution_at", "i8", (RESOLUTIONS,)),
    ("failure_at", "i8", (SIGNALS,)),
    ("failure_event", "u8", (SIGNALS,)),
    ("rival_at", "i8", (SIGNALS,)),
    ("rival_event", "u8", (SIGNALS,)),
    ("outgrown_at", "i8", (ENDINGS,)),
    ("outgrown_event", "u8", (ENDINGS,)),
    ("trust_at", "i8", (FACTORS,)),  # the newest touchpoint that bore on the factor
    ("trust_event", "u8", (FACTORS,)),
    # What policies of version 2 judge by.
    ("marketing_minor", "i8"),  # of cost_minor, what acquires and keeps, and serves nobody
    ("cancelled_minor", "i8"),  # what cancelled orders would have brought
    ("against_minor", "i8"),  # of orders, what went back by the customer's will
    ("last_consent_at", "i8"),  # to be written to
    ("last_refusal_at", "i8"),  # that consent withdrawn
    ("cancelled", "i4"),  # orders that were purchases until they were cancelled
    ("refusals", "i4"),
    ("chosen", "i4"),  # contacts of a category that the customer sought, purchases aside
    ("terms_opened", "i4"),  # ties that bind for a time
    ("searched", "i4"),  # times that the customer looked around: compared, searched, read up
    ("urged", "i4"),  # contacts of marketing
    ("varieties", "u8"),  # bit h mod 64 of the hash h of each category bought, or article where none is told
    ("term_started_at", "i8", (TERMS,)),  # they opened or were renewed …
    ("term_until", "u8", (TERMS,)),  # … and bind until then, see processors.row.terms
    ("order_bought_at", "i8", (ORDERS,)),  # first purchase of the order; NEVER: none is known
    ("order_purchases", "i4", (ORDERS,)),  # that tell of it
    # What rules of the policy ask: see processors.row.outreach.
    ("given_at", "i8", (CONSENTS,)),  # newest consent to be written to …
    ("taken_at", "i8", (CONSENTS,)),  # … and newest withdrawal
    ("armed_at", "i8", (QUIET_CLOCKS,)),  # newest touchpoint after which a rule waits for silence …
    ("cleared_at", "i8", (QUIET_CLOCKS,)),  # … and newest after which it waits no more
    ("zoned_at", "i8"),  # the newest touchpoint that told the time zone
    ("clock_rule", "u4", (QUIET_CLOCKS,)),  # key of the rule; 0: free
    ("zone", "u2"),  # index in processors.triggers.zones; 0: not known
    ("birthday", "u2"),  # 32 × month + day; 0: not known
    ("agreed_at", "i8", (CONSENTS,)),  # newest touchpoint whose consent manager said yes to what the policy names …
    ("declined_at", "i8", (CONSENTS,)),  # … and newest whose said no
    # The customer's own properties, see processors.row.traits.
    ("trait_at", "i8", (TRAITS,)),  # the newest touchpoint that told it
    ("trait", "f8", (TRAITS,)),
    ("trait_name", "u4", (TRAITS,)),  # 32 bits of the hash of its name, ascending; 0: free
]
DELIVERY_FIELDS: Final = [
    ("offset", "i8"),  # the last log offset that this row contains
]
# Stages index the arrays of published instants and ids: awareness 0, exploration 1, commitment 2, dissolution 3.
PUBLISHED_FIELDS: Final = [
    ("stage", "i1"),
    ("shared_week", "u1"),  # the week in which the episode opened already held a purchase of the one before
    ("before_shared_week", "u1"),  # the same of the episode before
    ("episode", "i4"),
    ("judged_at", "i8"),  # the newest instant at which the row was judged
    ("due_at", "i8"),  # when silence will end the episode
    ("last_id", "u8"),  # the newest fact's id: ids form a chain
    ("episode_at", "i8"),  # start of the episode; NONE for the first
    ("invested_at", "i8"),  # first investment or contribution of the episode, NEVER before it
    ("recorded_at", "i8"),  # first time on record in the episode, NEVER before it
    ("entered_at", "i8", (4,)),
    ("entered_id", "u8", (4,)),  # 0: not published in this episode
    ("before_at", "i8"),  # the episode before: its start …
    ("before_invested_at", "i8"),
    ("before_recorded_at", "i8"),
    ("before_purchase_at", "i8"),  # … and what its end was computed from
    ("before_initiative_at", "i8"),
    ("before_exit_at", "i8"),
    ("before_bound_at", "i8"),  # until when it was bound
    ("before_days", "i4"),
    ("before_entered_at", "i8", (4,)),
    ("before_entered_id", "u8", (4,)),
    ("revalue", "u1"),  # what its value rests on has changed
    ("judged", "u1", (JUDGEMENT_ROOM,)),  # what was last published of each judgement
    ("review_at", "i8"),  # when the slower judgements are due
    ("reviewed_at", "i8"),
    ("silent_at", "i8"),  # when the chance of return falls below the policy's limit, by the purchases known
    ("risk_at", "i8"),  # when the churn risk reaches the policy's band; NEVER: not as far as is known
    ("valued_at", "i8"),
    ("clv_minor", "f8"),  # customer lifetime value at valued_at
    ("last_judgement_id", "u8"),  # ids of judgements form a chain of their own
    # Of rules: instants in minutes since 1970, see processors.triggers.memory.
    ("timer_at", "i8"),  # when the next timer of a rule is due; NEVER: none is
    ("settled_at", "i8"),  # before this none is due but of silences; NONE: not known
    ("fired_rule", "u4", (REMEMBERED,)),  # key of the rule; 0: free
    ("fired", "u4", (REMEMBERED,)),  # when it last fired, times four; 1: was held, 2: was withdrawn
    ("handled", "u4", (REMEMBERED,)),  # up to when its timers were looked at
    ("sent", "u4", (TRIGGERS_SENT,)),
    ("sender", "u8", (SENDERS,)),  # salted XXH64 of the id under which a rule last fired, where it is another one
    ("sender_rule", "u4", (SENDERS,)),  # key of that rule; 0: free
]
# Which other ids the customer has; follows arrival, too.
LINK_FIELDS: Final = [
    ("linked", "u8", (LINKED,)),  # salted XXH64 of the ids that came with the customer's lately; 0: free
    ("linked_next", "i4"),  # where among them the next one goes
    ("identities", "i4"),  # ids that became forwarding addresses to this one, theirs included
    ("is_shared", "i4"),  # 1: several people use it, so it belongs to none of them
]
IDENTITY_FIELDS: Final = [
    ("hash", "u8"),  # XXH64 of the customer id, salted by its namespace
    ("entry_at", "i8"),  # the key under which the due index holds this row; NEVER: not in it
]
# What every touchpoint reads comes first, the sets of the profile last: a row is asked for from its beginning.
ROW: Final = np.dtype(IDENTITY_FIELDS + DELIVERY_FIELDS + PUBLISHED_FIELDS + LINK_FIELDS + PROFILE_FIELDS, align=True)

Row = Any  # a record of ROW: np.record in Python, a Numba record when compiled
