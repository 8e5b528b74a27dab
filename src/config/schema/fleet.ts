import * as z from 'zod'
import { textAs } from '../value-error.ts'
import { readResourcePath } from './identifiers.ts'
import { exact } from './text.ts'

/** `[fleet]`: one MCP endpoint over several clusters. Absent: none. */
export const fleetSchema = z
  .strictObject({
    path: textAs(readResourcePath).prefault('/fleet/mcp').meta({
      description: 'Where clients find the fleet; distinct from every path of a resource.',
    }),
    resources: z
      .array(exact('Write names of resources, labels as "stage=production", or ["*"].', '*'))
      .prefault(['*'])
      .meta({
        description:
          'Its clusters: names of `[[resource]]`, labels as `stage=production`, or `*` for all.',
        examples: [['stage=production', 'dev']],
      }),
    fan_out: z.boolean().prefault(true).meta({
      description:
        'Whether one call may ask several clusters (`*`, `label=value`), for tools that only read.',
    }),
  })
  .optional()
  .meta({
    description:
      'One MCP endpoint over several clusters, each call made as the user on the cluster that it names. Absent: none.',
  })
