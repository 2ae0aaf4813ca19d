// Before all stories: rates at which they need not wait, and no alerts of the jobs that they fail on purpose.
import { request } from '@playwright/test';
import { Api } from './api';
import { baseURL } from './environment';

export default async function setup(): Promise<void> {
  const context = await request.newContext({ baseURL });
  const api = new Api(context);
  await api.signIn();
  for (const key of ['discovery_rpm', 'comments_rpm', 'http_enrich_rpm']) await api.set(key, 6000);
  for (const rule of ['success-rate', 'daily-failures', 'daily-failures-rising']) await api.watch(rule, { enabled: false });
  await context.dispose();
}
