// Dark from the first byte on, and still for whoever asks for it.
import type { APIRequestContext, BrowserContextOptions, Page } from '@playwright/test';
import { admin, baseURL } from '../support/environment';
import { expect, test } from '../support/test';
import { hydrated } from '../support/live';

/** Where the ground is dark: the lightness of its colour, from 0 to 1. */
const DARK = 0.25;
const LIGHT = 0.9;

/** How light the ground is, as it is drawn, and whether controls and scroll bars go with it. */
async function ground(page: Page): Promise<{ lightness: number; scheme: string }> {
  return page.evaluate(() => {
    const drawn = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (!drawn) throw new Error('no canvas');
    drawn.fillStyle = getComputedStyle(document.body).backgroundColor;
    drawn.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = drawn.getImageData(0, 0, 1, 1).data;
    return { lightness: (red + green + blue) / 3 / 255, scheme: getComputedStyle(document.documentElement).colorScheme };
  });
}

/** The tag that everything is in, as it comes over the wire. */
async function firstTag(request: APIRequestContext, path: string): Promise<string> {
  const answer = await request.get(path, { headers: { accept: 'text/html' } });
  return /^<!DOCTYPE html>\s*(<html[^>]*>)/.exec(await answer.text())?.[1] ?? 'none';
}

async function choose(page: Page, theme: string): Promise<void> {
  await page.getByRole('banner').locator('summary').click();
  await page.getByRole('button', { name: theme, exact: true }).click();
}

test.describe('the dark theme', () => {
  test.use({ colorScheme: 'light' });

  test('is in the first byte of every page, and goes where it was chosen to go', async ({ page, api, context }) => {
    await api.signIn();
    expect(await firstTag(context.request, '/admin')).toBe('<html lang="en">');
    await page.goto('/admin');
    expect((await ground(page)).lightness).toBeGreaterThan(LIGHT);
    await choose(page, 'Dark');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    const cookie = (await context.cookies()).find(({ name }) => name === 'theme');
    expect(cookie).toMatchObject({ value: 'dark', sameSite: 'Lax' });
    const month = 30 * 24 * 3600;
    expect(cookie?.expires, 'when the browser forgets it').toBeGreaterThan(Date.now() / 1000 + month);
    for (const path of ['/admin', '/login', '/account/password', '/domains', '/nowhere', '/admin/jobs/999999999']) {
      expect(await firstTag(context.request, path), path).toBe('<html lang="en" data-theme="dark">');
    }
    await choose(page, 'Light');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
    await choose(page, 'System');
    await expect(page.locator('html')).not.toHaveAttribute('data-theme');
  });

  test('is painted first, while nothing else has come', async ({ page, api, context }) => {
    await api.signIn();
    await context.addCookies([{ name: 'theme', value: 'dark', url: baseURL }]);
    // The script never comes; what the page is without it is what is seen first.
    await page.route('**/*.{js,wasm}', () => {});
    await page.goto('/admin', { waitUntil: 'commit' });
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const seen = await ground(page);
    expect(seen.lightness).toBeLessThan(DARK);
    expect(seen.scheme).toBe('dark');
  });

  test('stays through hydration and from page to page', async ({ page, api, context, operator }) => {
    await api.signIn();
    await context.addCookies([{ name: 'theme', value: 'dark', url: baseURL }]);
    await page.addInitScript(() => {
      const themes: (string | null)[] = [];
      Object.assign(window, { themes });
      const note = () => themes.push(document.documentElement.getAttribute('data-theme'));
      new MutationObserver(note).observe(document, { subtree: true, childList: true, attributeFilter: ['data-theme'] });
    });
    await page.goto('/admin');
    await hydrated(page);
    await operator.goTo('Logs');
    const themes = await page.evaluate(() => (window as unknown as { themes: string[] }).themes);
    expect(themes.length).toBeGreaterThan(1);
    expect([...new Set(themes)]).toEqual(['dark']);
    expect((await ground(page)).lightness).toBeLessThan(DARK);
  });
});

for (const colorScheme of ['dark', 'light'] as const) {
  test(`the system's ${colorScheme} theme needs no script`, async ({ browser }) => {
    const options: BrowserContextOptions = { colorScheme, javaScriptEnabled: false, baseURL };
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto('/login');
    await page.getByLabel('Email').fill(admin.email);
    await page.getByLabel('Password').fill(admin.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
    await expect(page.locator('html')).not.toHaveAttribute('data-theme');
    const { lightness } = await ground(page);
    if (colorScheme === 'dark') expect(lightness).toBeLessThan(DARK);
    else expect(lightness).toBeGreaterThan(LIGHT);
    await context.close();
  });
}

test.describe('whoever wants less motion', () => {
  test.use({ reducedMotion: 'reduce' });

  test('sees none', async ({ page, api }) => {
    await api.signIn();
    for (const path of ['/admin/dead-letter-queue', '/admin']) {
      await page.goto(path);
      await hydrated(page);
      expect(await motion(page), path).toEqual([]);
    }
    // An overlay, and a fold that opens.
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
    expect(await motion(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('banner').locator('summary').click();
    expect(await motion(page)).toEqual([]);
    // Not even what asks to move does.
    await page.evaluate(() => (document.body.style.transition = 'background-color 5s'));
    expect(await motion(page)).toEqual([]);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    expect(await motion(page)).toEqual(['body.']);
  });
});

/** What moves, or would: animations that run, and elements whose style says how long a change or a jump takes. */
async function motion(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const running = document.getAnimations().map((animation) => `${animation.constructor.name} runs`);
    const takesTime = (list: string) => list.split(',').some((time) => parseFloat(time) > 0);
    const slow = [...document.querySelectorAll('*')].flatMap((element) =>
      [null, '::before', '::after'].flatMap((part) => {
        const style = getComputedStyle(element, part);
        const name = `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''}${part ?? ''}`;
        const moves = takesTime(style.transitionDuration) || style.animationName !== 'none' || style.scrollBehavior !== 'auto';
        return moves ? [name] : [];
      }),
    );
    return [...running, ...slow];
  });
}
