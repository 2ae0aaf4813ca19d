// Every page: it renders and hydrates without a complaint, fits a telephone, and is accessible in light and dark.
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { hydrated, nextUpdate } from '../support/live';
import { lost, prepare, routes, type Made } from '../support/routes';
import { expect, test } from '../support/test';
import { Api } from '../support/api';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 320, height: 640 };
/** What the colours change, and what the width does. */
const LOOKS = [
  { colorScheme: 'light', viewport: WIDE },
  { colorScheme: 'light', viewport: NARROW },
  { colorScheme: 'dark', viewport: WIDE },
  { colorScheme: 'dark', viewport: NARROW },
] as const;

/** A tenth of what counts as good (https://web.dev/articles/cls): nothing that an eye can see. */
const MAX_SHIFT = 0.01;

let made: Made;

test.beforeAll(async ({ playwright }) => {
  const context = await playwright.request.newContext();
  made = await prepare(new Api(context));
  await context.dispose();
});

for (const route of routes) {
  test.describe(route.name, () => {
    test.beforeEach(async ({ api }) => {
      if (!route.signedOut) await api.signIn();
    });

    test('is accessible and fits', async ({ page }) => {
      for (const { colorScheme, viewport } of LOOKS) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(viewport);
        const answer = await page.goto(route.path(made));
        expect(answer?.status()).toBe(200);
        await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
        await expect(page).toHaveTitle(/^\S.* · Signalbox$/);
        expect(await overflow(page), `wider than ${viewport.width} px`).toEqual([]);
        expect(await violations(page), `${colorScheme}, ${viewport.width} px`).toEqual([]);
      }
    });

    test('hydrates and stays as it is', async ({ page }) => {
      await page.clock.install();
      await watchShifts(page);
      await page.goto(route.path(made));
      const heading = await page.getByRole('heading', { level: 1 }).innerText();
      if (!route.still) await nextUpdate(page);
      const moved = await shifts(page);
      const total = moved.reduce((sum, { value }) => sum + value, 0);
      expect(total, `what moved when the page hydrated and was updated: ${JSON.stringify(moved)}`).toBeLessThan(MAX_SHIFT);
      await hydrated(page);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(heading);
      await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
      await expect(page.getByText('The server cannot be reached.')).toHaveCount(0);
    });
  });
}

test('every page has a title of its own', async ({ page, api }) => {
  const titles = new Map<string, string>();
  let signedIn = false;
  for (const route of routes.filter((route) => !/-(none|filtered)$/.test(route.name) && !route.name.endsWith('-chosen'))) {
    // Once: to sign in again would end the session of the page that is still open.
    if (!route.signedOut && !signedIn) await api.signIn().then(() => (signedIn = true));
    await page.goto(route.path(made));
    const title = await page.title();
    expect(titles.get(title), `"${title}" of ${route.name} is taken`).toBeUndefined();
    titles.set(title, route.name);
  }
});

for (const path of lost) {
  test(`${path} is a page that says there is nothing`, async ({ page, api, complaints }) => {
    complaints.expect(/status of 404/);
    await api.signIn();
    await page.clock.install();
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/There is (nothing|no page) at this address/);
    await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
    await expect(page.locator('link[rel=stylesheet]')).not.toHaveCount(0);
    expect(await violations(page)).toEqual([]);
    await nextUpdate(page);
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  });
}

test('from page to page without loading anew, and back', async ({ page, api, operator }) => {
  await api.signIn();
  await page.clock.install();
  await page.goto('/admin');
  await nextUpdate(page);
  const documents: string[] = [];
  page.on('request', (request) => request.isNavigationRequest() && documents.push(request.url()));
  for (const name of ['Jobs', 'Dead letters', 'Exports', 'Kill switch', 'Domains', 'Schedules', 'Logs', 'Config', 'Overview']) {
    await operator.goTo(name);
    await expect(page).toHaveTitle(/ · Signalbox$/);
  }
  await page.goBack();
  await expect(operator.heading('Config')).toBeVisible();
  expect(documents).toEqual([]);
});

test('the chosen theme stays', async ({ page, api }) => {
  await api.signIn();
  await page.goto('/admin/logs');
  await page.getByRole('banner').locator('summary').click();
  await page.getByRole('button', { name: 'Dark' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(page).toHaveURL('/admin/logs');
  await page.goto('/domains');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

/** What sticks out at the right, by its selector. */
async function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const sticksOut = (element: Element) => element.getBoundingClientRect().right > root.clientWidth + 1;
    const scrolls = (element: Element) => element.closest('.scroll, pre') !== null;
    const name = (element: Element) => `${element.tagName.toLowerCase()}.${element.className}`;
    const culprits = [...document.body.querySelectorAll('*')].filter((one) => sticksOut(one) && !scrolls(one)).map(name);
    return [`${root.scrollWidth} px wide`, ...culprits.slice(0, 5)];
  });
}

/** What axe finds, in a line each. */
async function violations(page: Page): Promise<string[]> {
  const everything = new AxeBuilder({ page }).options({ rules: { 'target-size': { enabled: true } } });
  const { violations, passes } = await everything.analyze();
  expect(passes.length, 'axe has looked at the page').toBeGreaterThan(10);
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id} (${help}): ${node.html} · ${node.failureSummary}`));
}

interface Shift {
  value: number;
  what: string[];
}

/** Has the page note every layout shift (https://wicg.github.io/layout-instability/). */
async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const noted: Shift[] = [];
    Object.assign(window, { noted });
    type Moved = PerformanceEntry & { value: number; sources: { node?: Node }[] };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as Moved[]) {
        const what = entry.sources.map(({ node }) => (node as Element)?.outerHTML?.slice(0, 80) ?? node?.nodeName ?? '?');
        noted.push({ value: entry.value, what });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

async function shifts(page: Page): Promise<Shift[]> {
  return page.evaluate(() => (window as unknown as { noted: Shift[] }).noted);
}
