import { defineConfig } from '@playwright/test';
import { baseURL, launchOptions } from './support/environment';

/** Read what has happened since the console was started, and so come before all others. */
const FIRST = ['failure-rate.spec.ts'];

export default defineConfig({
  testDir: 'stories',
  outputDir: 'test-results/artifacts',
  globalSetup: './support/setup.ts',
  reporter: [['line'], ['json', { outputFile: 'test-results/results.json' }]],
  // One console, one kill switch, one breaker: one story at a time.
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  use: {
    baseURL,
    launchOptions,
    viewport: { width: 1280, height: 800 },
    actionTimeout: 15_000,
    navigationTimeout: 30_000,
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
  },
  projects: [
    { name: 'first', testMatch: FIRST },
    { name: 'chromium', testIgnore: FIRST },
    {
      name: 'chromium-nojs',
      testMatch: ['main-story.spec.ts', 'signing-in.spec.ts', 'kill-switch.spec.ts', 'providers.spec.ts'],
      use: { javaScriptEnabled: false },
    },
  ],
});
