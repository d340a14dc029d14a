"""A fixed life with a judgement of every sort in it; run as a module, it prints what was published."""

import numpy as np

from support.presets import Customer, changed

LIFE = [
    *[(0, "ad_impression"), (2, "product_viewed"), (3, "certification_viewed"), (4, "account_created")],
    *[(5, "order_completed", 120.0, {"order": "a", "discount": 12.0}), (9, "order_delivered"), (30, "call_received")],
    *[(12, "order_refunded", 40.0, {"order": "a"}), (20, "coupon_applied", {"order": "b"})],
    *[(21, "order_completed", 90.0, {"order": "b"}), (40, "community_answered"), (41, "idea_submitted")],
    *[(43, "community_posted"), (44, "referral_made"), (45, "product_reviewed", {"satisfaction": 5.0})],
    *[(60, "complaint_filed", {"reason": "late"}), (80, "order_completed", 400.0, {"order": "c"}), (70, "call_made")],
    *[(85, "subscription_started", 20.0), (120, "loyalty_enrolled"), (150, "subscription_cancelled")],
    *[(160, "coupon_denied"), (200, "order_delayed"), (210, "account_deleted"), (205, "support_ticket_opened")],
    *[(400, "order_completed", 60.0), (407, "order_completed", 60.0), (401, "security_alert")],
]


def fixed_judgements() -> list[tuple[int, ...]]:
    """(id, judgement, before, after, instant, evidence …) of each, a late touchpoint and a policy included."""
    customer = Customer().all(*LIFE[:14]).until(58).all(*LIFE[14:]).until(500)
    customer.judge_by(changed(positive="0.1", strong="3.0").rules)
    customer.until(3_000)
    return [
        (f.id, f.judgement, f.before, f.after, f.at, f.evidence_event, f.evidence_at, f.evidence_count)
        for f in customer.judged
    ]


if __name__ == "__main__":
    # Arithmetic of 64 bits wraps round on purpose; only plain numpy remarks on it.
    with np.errstate(over="ignore"):
        for fact in fixed_judgements():
            print(*fact)
