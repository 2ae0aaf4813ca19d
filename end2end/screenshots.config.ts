import { defineConfig } from '@playwright/test';
import { baseURL, launchOptions } from './support/environment';

export default defineConfig({
  testDir: '.',
  testMatch: 'screenshots.ts',
  outputDir: 'test-results/artifacts',
  globalSetup: './support/setup.ts',
  reporter: 'line',
  workers: 1,
  timeout: 300_000,
  use: { baseURL, launchOptions },
});
