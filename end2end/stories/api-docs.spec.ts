// The API's documentation, which is a page without the console around it and without any script.
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '../support/test';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 320, height: 640 };

test('whoever writes a script finds every operation, in light and dark, on a telephone too', async ({ page }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of [WIDE, NARROW]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      expect((await page.goto('/api/docs'))?.status()).toBe(200);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, `wider than ${viewport.width} px`).toBeLessThanOrEqual(0);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => ({ id, at: nodes[0]?.target })), `${colorScheme}, ${viewport.width} px`).toEqual([]);
    }
  }
  await page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'queues' }).click();
  await expect(page.getByRole('heading', { name: 'POST /api/ops/queues/{name}/pause' })).toBeVisible();
});
