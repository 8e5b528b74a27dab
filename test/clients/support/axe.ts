import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { z } from 'zod'

const resultsSchema = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      help: z.string(),
      nodes: z.array(z.object({ html: z.string() })),
    }),
  ),
})

/** What axe finds on a page that keeps people from using it, one line each. */
export async function barriersOn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = resultsSchema.parse(await page.evaluate('axe.run()'))
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help}: ${html}`),
  )
}
