-- One request over and over, as the yardsticks are measured; MODE_OF_LOAD=post creates a post.
if os.getenv("MODE_OF_LOAD") == "post" then
  wrk.method = "POST"
  wrk.body = '{"title":"hello there","body":"lorem ipsum dolor sit amet"}'
  wrk.headers["Content-Type"] = "application/json"
end

function done(summary, latency, requests)
  io.write(string.format("RESULT rate=%.1f p50=%.3f p99=%.3f requests=%d socket_errors=%d failures=%d\n",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.requests,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, summary.errors.status))
end
