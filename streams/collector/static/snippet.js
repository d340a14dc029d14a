/* Relasi: loads the SDK below with its settings inline. No request for settings can silence it, and it speaks to this
   host only. In the page: <script async src="HOST/v1/relasi.js?writeKey=KEY"></script>
   data-page="off" leaves out the first page view. What was pushed to window.analytics before is sent. */
(function () {
  "use strict";
  var settings = /*SETTINGS*/ null;
  var script = document.currentScript;
  var early = window.analytics;
  if (early && early.relasi) { return; }
  if (!window.AnalyticsNext) { console.error("[relasi] the SDK could not be loaded"); return; }
  var key = settings.integrations["Segment.io"].apiKey;
  var analytics = window.AnalyticsNext.AnalyticsBrowser.load(
    { writeKey: key, cdnSettings: settings, cdnURL: settings.cdn },
    { integrations: { "Segment.io": { apiHost: settings.integrations["Segment.io"].apiHost,
                                      protocol: settings.integrations["Segment.io"].protocol } } }
  );
  analytics.relasi = true;
  window.analytics = analytics;
  var calls = Array.isArray(early) ? early : [];
  var paged = false;
  for (var i = 0; i < calls.length; i++) {
    var call = Array.prototype.slice.call(calls[i]);
    var method = call.shift();
    paged = paged || method === "page";
    if (typeof analytics[method] === "function") { analytics[method].apply(analytics, call); }
    else { console.error("[relasi] no such call: " + method); }
  }
  if (!paged && !(script && script.getAttribute("data-page") === "off")) { analytics.page(); }
})();
