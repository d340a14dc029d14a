// Calls of the SDKs of npm, as a firm's program makes them: node send.cjs SDK URL KEY USER. Exits when all were sent.
"use strict";

const [sdk, url, key, user] = process.argv.slice(2);
const anonymousId = `${user}-device`;
const at = new Date("2026-03-01T12:00:00.000Z");
const context = { timezone: "Europe/Berlin", locale: "de-DE", campaign: { name: "spring", source: "mail" } };
const order = {
  order_id: `${user}-o1`, revenue: 19.99, currency: "EUR", coupon: "X",
  products: [{ product_id: "T", category: "tea", quantity: 2, price: 9.995 }],
};

const sending = {
  async segment() {
    const { Analytics } = require("@segment/analytics-node");
    const analytics = new Analytics({ writeKey: key, host: url, flushAt: 3, maxRetries: 0 });
    const failures = [];
    analytics.on("error", (error) => failures.push(error));
    analytics.identify({ userId: user, anonymousId, traits: { plan: "pro" }, timestamp: at });
    analytics.track({ userId: user, anonymousId, event: "Order Completed", properties: order, context, timestamp: at });
    analytics.page({ userId: user, name: "Home", properties: { path: "/" }, timestamp: at });
    analytics.screen({ userId: user, name: "Main", timestamp: at });
    analytics.group({ userId: user, groupId: "acme", traits: { seats: 9 }, timestamp: at });
    analytics.alias({ userId: user, previousId: anonymousId, timestamp: at });
    await analytics.closeAndFlush();
    if (failures.length) throw failures[0];
  },
  async rudder() {
    const RudderAnalytics = require("@rudderstack/rudder-sdk-node");
    const analytics = new RudderAnalytics(key, { dataPlaneUrl: url, flushAt: 3, retryCount: 0 });
    analytics.identify({ userId: user, anonymousId, traits: { plan: "pro" }, timestamp: at });
    analytics.track({ userId: user, anonymousId, event: "Order Completed", properties: order, context, timestamp: at });
    analytics.page({ userId: user, name: "Home", properties: { path: "/" }, timestamp: at });
    analytics.screen({ userId: user, name: "Main", timestamp: at });
    analytics.group({ userId: user, groupId: "acme", traits: { seats: 9 }, timestamp: at });
    analytics.alias({ userId: user, previousId: anonymousId, timestamp: at });
    await analytics.flush();
  },
  async jitsu() {
    const { jitsuAnalytics } = require("@jitsu/js");
    const analytics = jitsuAnalytics({ host: url, writeKey: `${key}:x`, s2s: true, fetchTimeoutMs: 5000, errorPolicy: "throw" });
    await analytics.setAnonymousId(anonymousId);
    await analytics.identify(user, { plan: "pro" });
    await analytics.track("Order Completed", { ...order });
    await analytics.page({ name: "Home", path: "/" });
    await analytics.group("acme", { seats: 9 });
  },
};

sending[sdk]().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
