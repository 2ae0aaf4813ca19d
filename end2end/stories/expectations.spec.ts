// What everybody expects of a page: states have words, targets can be hit, the focus comes back, passwords can be pasted.
import type { Page } from '@playwright/test';
import { Api } from '../support/api';
import { admin } from '../support/environment';
import { prepare, routes, type Made } from '../support/routes';
import { expect, test } from '../support/test';
import { hydrated } from '../support/live';

// A trace of so many pages costs more than the pages.
test.use({ trace: 'off' });

/** What a target measures at least (https://www.w3.org/TR/WCAG22/#target-size-minimum). */
const MIN_PX = 24;
const VIEWPORTS = [
  { width: 1280, height: 800 },
  { width: 320, height: 640 },
];

test.describe('on every page', () => {
  // The server draws all of it.
  test.use({ javaScriptEnabled: false });

  let made: Made;

  test.beforeAll(async ({ playwright }) => {
    const context = await playwright.request.newContext();
    made = await prepare(new Api(context));
    await context.dispose();
  });

  test('a state is told in words, and every target can be hit', async ({ page, api }) => {
    let states = 0;
    let signedIn = false;
    for (const route of routes) {
      if (!route.signedOut && !signedIn) {
        await api.signIn();
        signedIn = true;
      }
      await page.goto(route.path(made));
      const words = await page.locator('.state').allTextContents();
      expect(words.filter((word) => !/\p{L}|\p{N}/u.test(word)), `states without a word on ${route.name}`).toEqual([]);
      states += words.length;
      for (const viewport of VIEWPORTS) {
        await page.setViewportSize(viewport);
        await page.evaluate(() => document.querySelectorAll('details').forEach((fold) => (fold.open = true)));
        expect(await small(page), `smaller than ${MIN_PX} px on ${route.name}, ${viewport.width} px wide`).toEqual([]);
      }
    }
    expect(states, 'states seen').toBeGreaterThan(20);
  });
});

/** The controls that are too small to hit, with their size. A label is part of its control. */
async function small(page: Page): Promise<string[]> {
  return page.evaluate((least) => {
    const controls = document.querySelectorAll<HTMLElement>('button, input:not([type=hidden]), select, textarea, summary, a.button, nav a');
    return [...controls].flatMap((control) => {
      if (!control.checkVisibility({ visibilityProperty: true })) return [];
      const parts = [control, ...((control as HTMLInputElement).labels ?? [])].map((part) => part.getBoundingClientRect());
      const fits = parts.some(({ width, height }) => width >= least && height >= least);
      const { width, height } = control.getBoundingClientRect();
      return fits ? [] : [`${Math.round(width)} x ${Math.round(height)}: ${control.outerHTML.slice(0, 120)}`];
    });
  }, MIN_PX);
}

test('the focus comes back to where it was when an overlay is closed', async ({ page, api }) => {
  const job = await api.signIn().then(() => api.enqueue('system.fail', { message: 'to be kept', class: 'rejected' }));
  await api.until(job, 'dead');
  await page.goto('/admin/dead-letter-queue');
  await hydrated(page);

  const link = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Logs' });
  await link.focus();
  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keys' });
  await expect(keys).toBeVisible();
  await expect(keys.getByRole('button', { name: 'Close' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(keys).toBeHidden();
  await expect(link).toBeFocused();

  const letter = (await api.deadLetters()).find(({ jobId }) => jobId === job)?.id;
  const opener = page.locator(`tr#dlq-${letter}`).getByRole('button', { name: 'Delete' }).first();
  await opener.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Delete dead letter ${letter} for good?` });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(opener).toBeFocused();
});

test('a password manager knows its fields, and a password may be pasted', async ({ page, context, operator }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/login');
  const password = page.getByLabel('Password');
  await expect(page.getByLabel('Email')).toHaveAttribute('autocomplete', 'username');
  await expect(password).toHaveAttribute('autocomplete', 'current-password');
  await expect(password).toHaveAttribute('type', 'password');
  await page.getByLabel('Email').fill(admin.email);
  await page.evaluate((text) => navigator.clipboard.writeText(text), admin.password);
  await password.press('ControlOrMeta+v');
  await expect(password).toHaveValue(admin.password);
  await password.press('Enter');
  await expect(operator.heading('Overview')).toBeVisible();

  await page.goto('/account/password');
  const [current, chosen] = [page.getByLabel('Current password'), page.getByLabel('New password')];
  await expect(current).toHaveAttribute('autocomplete', 'current-password');
  await expect(chosen).toHaveAttribute('autocomplete', 'new-password');
  await expect(page.locator('input[autocomplete=username]')).toHaveValue(admin.email);
  for (const field of [current, chosen]) {
    await field.press('ControlOrMeta+v');
    await expect(field).toHaveValue(admin.password);
  }
});
