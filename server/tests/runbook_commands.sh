#!/usr/bin/env bash
# What the runbooks tell an operator to type, line by line, with our host and an admin's credentials; behind each line, what the runbook
# says that the operator sees. Needs BASE_URL, ADMIN_EMAIL, ADMIN_PASSWORD, and a server whose HEALTH_ALLOWLIST names this machine.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jar=$work/jar lines=0

# curl with the operator's session, as `curl -b jar` types it.
curl() { command curl --silent --show-error --fail-with-body --cookie "$jar" --cookie-jar "$jar" "$@"; }
# curl of somebody who has not signed in, as the runbooks mostly type it.
stranger() { command curl --silent --show-error "$@"; }
post() { curl -X POST -H 'content-type: application/json' "$@"; }

# Fails unless the JSON at hand is what the filter says.
sees() {
    local answer
    answer=$(cat)
    lines=$((lines + 1))
    jq --exit-status "$@" <<<"$answer" >/dev/null && return
    printf 'line %s sees no %s in:\n%s\n' "${BASH_LINENO[0]}" "${*: -1}" "$answer" >&2
    exit 1
}

# Fails unless the text at hand has this.
reads() {
    local answer
    answer=$(cat)
    lines=$((lines + 1))
    grep --quiet --extended-regexp "$1" <<<"$answer" && return
    printf 'line %s reads no %s in:\n%s\n' "${BASH_LINENO[0]}" "$1" "$answer" >&2
    exit 1
}

# Waits until the answer of a command is what a filter says.
until_it_sees() {
    local filter=$1 deadline=$((SECONDS + 30))
    shift
    until "$@" | jq --exit-status "$filter" >/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || { printf 'never: %s\n' "$filter" >&2; "$@" >&2; exit 1; }
        sleep 0.1
    done
}

status() { command curl --silent --output /dev/null --write-out '%{http_code}' "$@"; }

# Sign in, once.
post "$BASE_URL/api/auth/login" --data "{\"email\":\"$ADMIN_EMAIL\",\"password\":\"$ADMIN_PASSWORD\"}"
# Until the worker and the scheduler are at work, and a job has died.
until_it_sees '.status == "online"' curl "$BASE_URL/api/ops/queues"
post "$BASE_URL/api/jobs" --data '{"kind":"system.fail","payload":{"message":"broken"},"maxAttempts":1}' | sees '.id > 0'
post "$BASE_URL/api/jobs" --data '{"kind":"system.fail","payload":{"message":"broken"},"maxAttempts":1}' | sees '.id > 0'
until_it_sees '.items | length == 2' curl "$BASE_URL/api/admin/dead-letter-queue?status=pending"
# What several ask for is read once a second.
until_it_sees '.system.queues.system.failed == 2' curl "$BASE_URL/v1/admin/system"

# --- Seed 002: Health Checks -----------------------------------------------------------------------------------------------------

# Basic Health Check
stranger "$BASE_URL/healthz" | sees '.status == "ok" and (.timestamp | fromdate) > 0 and (.uptime | type) == "number" and (.version | length) > 0'
# Readiness Check
stranger "$BASE_URL/readyz" | sees '.status == "ready" and .database == "connected" and .queues == "healthy"'
# Detailed Health Check
curl "$BASE_URL/v1/admin/system" | sees '.system.uptime >= 0'
curl "$BASE_URL/v1/admin/system" | sees '.system.memory | (.used | test("^[0-9]+MB$")) and (.total | test("^[0-9]+MB$"))'
curl "$BASE_URL/v1/admin/system" | sees '[.system.queues[] | .waiting, .active, .completed] | length > 0 and all(type == "number")'
curl "$BASE_URL/v1/admin/system" | sees '.system.providers.mcp | .status == "healthy" and (.rateLimit | test("^[0-9]+/[0-9]+$"))'
# Prometheus Metrics
for name in http_requests_total http_request_duration_seconds_bucket queue_jobs_total provider_api_calls_total database_connections_active; do
    stranger "$BASE_URL/metrics" | reads "^$name[{ ]"
done
# Check connection pool
curl "$BASE_URL/v1/admin/system" | jq '.system.database' | sees '.connections > 0 and .connections <= .maxConnections'
# Check queue status
curl "$BASE_URL/v1/admin/system" | jq '.system.queues' | sees '.system.failed == 2'
# Check provider status
curl "$BASE_URL/v1/admin/system" | jq '.system.providers' | sees 'keys | index("mcp") != null'
# Check current rate limit status
curl "$BASE_URL/v1/admin/system" | jq '.system.rateLimits' | sees '.discovery.limit == 30'

# --- Seed 003: Health endpoints, Queue triage, Connector failure triage, Verify retention jobs -------------------------------------

# "Unauthenticated callers get {status: ok} only." (From behind somebody else's proxy, since this machine is on the list.)
stranger -H 'x-forwarded-for: 203.0.113.9' "$BASE_URL/health" | sees '. == {"status":"ok"}'
stranger -H 'x-forwarded-for: 203.0.113.9' "$BASE_URL/api/health" | sees '. == {"status":"ok"}'
# "Authenticated or allowlisted callers see ingestion telemetry."
stranger "$BASE_URL/api/health" | sees '.ingestion.sources.mcp.circuit_state == "closed"'
curl -H 'x-forwarded-for: 203.0.113.9' "$BASE_URL/health" | sees '.ingestion.sources.mcp.remaining_cooldown_s == 0'
curl "$BASE_URL/api/health" | sees '.status == "ok" and .ingestion.issues == []'
# "`status: degraded` means ingestion issues are present."
post "$BASE_URL/api/admin/breakers/mcp" --data '{"action":"force_open","reason":"the provider asked us to"}' | sees '.forced.to == "open"'
until_it_sees '.status == "degraded" and .ingestion.sources.mcp.circuit_state == "open"' stranger "$BASE_URL/api/health"
stranger "$BASE_URL/api/health" | sees '.ingestion.issues[0] | .source == "mcp" and .reason == "forced_open" and has("operation") and has("last_error")'
post "$BASE_URL/api/admin/breakers/mcp" --data '{"action":"reset","reason":"it is repaired"}' | sees '.state == "closed"'
until_it_sees '.status == "ok"' stranger "$BASE_URL/api/health"
# "Requires auth"
[ "$(status "$BASE_URL/api/ops/queues")" = 401 ]
curl "$BASE_URL/api/ops/queues" | sees '.status | IN("online", "degraded", "offline")'
curl "$BASE_URL/api/ops/queues" | sees '[.queues[] | .size, .deferred, .scheduled, .started, .failed] | all(type == "number")'
curl "$BASE_URL/api/ops/queues" | sees '.workers[0] | (.state | IN("idle", "busy")) and (.queues | index("system") != null) and has("current_job_id")'
curl "$BASE_URL/api/ops/queues" | sees '.scheduler.scheduled_jobs > 0'
curl "$BASE_URL/api/ops/queues" | sees '.vault | has("status")'
curl "$BASE_URL/api/ops/queues" | sees '.queues | has("maintenance")'

# --- Seed 000: Circuit Breaker, Dead Letter Queue, Kill Switch, Backfill, CSV Exports ----------------------------------------------

# "Confirm breaker status via GET /api/admin/jobs."
curl "$BASE_URL/api/admin/jobs" | sees '.mcpCircuitBreaker | has("state") and .threshold == 5 and .cooldownMs == 60000'
# "reduce throughput using POST /api/admin/config"
post "$BASE_URL/api/admin/config" --data '{"key":"max_concurrent_discovery_jobs","value":2}' | sees '.value == 2'
[ "$(status --cookie "$jar" -X POST -H 'content-type: application/json' --data '{"key":"max_cats","value":2}' "$BASE_URL/api/admin/config")" = 422 ]
# "List: GET /api/admin/dead-letter-queue?status=pending|retry_scheduled"
curl "$BASE_URL/api/admin/dead-letter-queue?status=pending" | sees '.items | length == 2 and all(.status == "pending")'
curl "$BASE_URL/api/admin/dead-letter-queue?status=retry_scheduled" | sees '.items == []'
# "Retry: POST /api/admin/dead-letter-queue with { dlqId, requestedBy }"
letter=$(curl "$BASE_URL/api/admin/dead-letter-queue?status=pending" | jq '.items[0].id')
post "$BASE_URL/api/admin/dead-letter-queue" --data "{\"dlqId\":$letter,\"requestedBy\":\"$ADMIN_EMAIL\"}" | sees ".dlqId == $letter"
curl "$BASE_URL/api/admin/logs?eventType=dlq_retry" | sees '.items | length == 1'
# "Delete: DELETE /api/admin/dead-letter-queue with { dlqId, requestedBy }"
letter=$(curl "$BASE_URL/api/admin/dead-letter-queue?status=pending" | jq '.items[-1].id')
curl -X DELETE -H 'content-type: application/json' --data "{\"dlqId\":$letter,\"requestedBy\":\"$ADMIN_EMAIL\"}" "$BASE_URL/api/admin/dead-letter-queue"
curl "$BASE_URL/api/admin/logs?eventType=dlq_delete" | sees '.items | length == 1'
# "Activate/Deactivate with required reason; all actions logged in system_logs."
post "$BASE_URL/api/admin/kill-switch" --data '{"reason":"provider-wide outage"}' | sees '.active == true'
curl "$BASE_URL/api/admin/kill-switch" | sees '.reason == "provider-wide outage"'
curl -X DELETE -H 'content-type: application/json' --data '{"reason":"it is over"}' "$BASE_URL/api/admin/kill-switch" | sees '.active == false'
curl "$BASE_URL/api/admin/logs?eventType=kill_switch" | sees '.items | length == 2'
# "POST /api/admin/jobs {"action":"trigger_backfill","days":7,"limit":100}"
post "$BASE_URL/api/admin/jobs" --data '{"action":"trigger_backfill","days":7,"limit":100}' | sees '.id > 0'
# "GET /api/domains/export?dateFilter=all|today|week|month"
for filter in all today week month; do
    curl "$BASE_URL/api/domains/export?dateFilter=$filter" | reads '^id,|^domain'
done
# "Validate dateFilter and since before sharing files externally."
[ "$(status --cookie "$jar" "$BASE_URL/api/domains/export?dateFilter=yesterday")" = 400 ]
[ "$(status --cookie "$jar" "$BASE_URL/api/domains/1/mentions/export?since=yesterday")" = 400 ]

echo "$lines lines pass"
