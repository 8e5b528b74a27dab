import type { Commands } from './dispatch.ts'

/** A new command is one line here. */
export const commands: Commands = {
  serve: () => import('./serve/serve.ts'),
  doctor: () => import('./doctor/doctor.ts'),
  explain: () => import('./explain/explain.ts'),
  check: () => import('./check/check.ts'),
  schema: () => import('./schema.ts'),
  sessions: () => import('./sessions.ts'),
  keygen: () => import('./keygen.ts'),
}
