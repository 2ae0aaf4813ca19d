// Graphile Worker.

import { Logger, makeWorkerUtils, run as runWorker, runMigrations } from 'graphile-worker';
import { databaseUrl as connectionString, handlerStarted, latencies, run, sleep, timed } from './common.mjs';

const CHUNK = 10_000; // jobs in one statement
const logger = new Logger(() => () => {});
const taskList = { noop: async () => handlerStarted() };
const base = { connectionString, logger, taskList, noHandleSignals: true };

// https://worker.graphile.org/docs/performance: concurrency, a local queue, batched completion. The best of its benchmark here.
const best = {
    ...base,
    concurrency: 24,
    maxPoolSize: 25,
    pollInterval: 10,
    preset: { worker: { localQueue: { size: 1000, refetchDelay: { durationMs: 10 } }, completeJobBatchDelay: 0 } },
};

await run({
    setup: () => runMigrations(base),
    enqueue: async (count) => {
        const utils = await makeWorkerUtils(base);
        await timed(async () => {
            for (let from = 0; from < count; from += CHUNK) {
                const length = Math.min(CHUNK, count - from);
                await utils.addJobs(Array.from({ length }, () => ({ identifier: 'noop', payload: {} })));
            }
        });
    },
    work: async (settings) => (await runWorker(settings === 'best' ? best : base)).promise,
    latency: async (count, everyMs) => {
        // A local queue adds to the latency of a single job: without one.
        const runner = await runWorker({ ...base, concurrency: 10 });
        await sleep(1000);
        await latencies(Number(count), Number(everyMs), () => runner.addJob('noop', {}));
    },
});
