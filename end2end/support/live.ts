// The live updates of a hydrated page, on a clock of ours: `page.clock.install()` comes first.
import { expect, type Page, type Request } from '@playwright/test';

/** How often a page asks again what it shows. */
const INTERVAL_MS = 5_000;

/** Waits until the page reacts to the keyboard and the mouse. */
export async function hydrated(page: Page): Promise<void> {
  await expect(page.locator('body[data-hydrated]')).toBeAttached();
}

const asks = (request: Request) => request.url().includes('/api/fn/');

/** Waits until the page has asked again, been answered and drawn itself anew, which only a hydrated one does. */
export async function nextUpdate(page: Page): Promise<void> {
  let asked = 0;
  // Those that were under way before are none of ours.
  const open = new Set<Request>();
  const onRequest = (request: Request) => {
    if (!asks(request)) return;
    asked += 1;
    open.add(request);
  };
  const onEnd = (request: Request) => void open.delete(request);
  page.on('request', onRequest);
  page.on('requestfinished', onEnd);
  page.on('requestfailed', onEnd);
  await expect(async () => {
    if (asked === 0) await page.clock.runFor(INTERVAL_MS);
    expect(asked).toBeGreaterThan(0);
    expect(open.size, 'questions without an answer').toBe(0);
  }).toPass({ timeout: 30_000, intervals: [50] });
  page.off('request', onRequest);
  page.off('requestfinished', onEnd);
  page.off('requestfailed', onEnd);
  // The answers are drawn in tasks of the page, and so before its clock has gone on.
  await page.clock.runFor(100);
}
