import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../environment/ports.ts'
import { CORE, startPinned } from '../pinned-process.ts'
import { asItIs, type Gateway, type Setup } from './gateway.ts'

/** nginx as a plain proxy that looks at no token: the floor for anything that copies bytes. */
export async function startNginx({ folder, upstream }: Setup): Promise<Gateway> {
  const { host, pathname } = new URL(upstream)
  const port = await freePort()
  const pid = await runNginx(CORE.measured, {
    port,
    folder: join(folder, 'nginx'),
    blocks: `
  upstream behind { server ${host}; keepalive 256; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ${pathname} {
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }`,
  })
  const url = `http://127.0.0.1:${port}${pathname}`
  return { name: 'nginx, no authentication', url, pid, hold: asItIs, judges: false, onV8: false }
}

/** An MCP server that does nothing, at the lowest cost there is: 1 KiB to every request. */
export async function startUpstream(folder: string): Promise<string> {
  const port = await freePort()
  const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: 'x'.repeat(970) } })
  await runNginx(CORE.measuring, {
    port,
    folder: join(folder, 'upstream'),
    blocks: `
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type application/json; return 200 '${answer}'; }
  }`,
  })
  return `http://127.0.0.1:${port}/mcp`
}

async function runNginx(
  core: number,
  {
    port,
    folder,
    blocks,
  }: { readonly port: number; readonly folder: string; readonly blocks: string },
): Promise<number> {
  await mkdir(folder)
  const file = join(folder, 'nginx.conf')
  await writeFile(
    file,
    `daemon off;
worker_processes 1;
pid ${join(folder, 'pid')};
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_requests 1000000;
  large_client_header_buffers 4 32k;
${blocks}
}
`,
  )
  return startPinned(core, ['nginx', '-p', folder, '-c', file], { port })
}
