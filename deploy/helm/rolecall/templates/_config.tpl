{{- /* The configuration as rolecall reads it, YAML. Refuses first what could not work. */ -}}
{{- define "rolecall.config" -}}
{{- include "rolecall.refuse" . -}}
{{- $config := tpl (toYaml .Values.config) . | fromYaml }}
{{- $secrets := include "rolecall.secretsPath" . }}
{{- $provider := default dict $config.identity_provider | deepCopy }}
{{- $_ := set $config "listen" "0.0.0.0:8080" }}
{{- $_ := set $config "admin_listen" "0.0.0.0:9090" }}
{{- $service := printf "%s.%s.svc.%s" (include "rolecall.fullname" .) (include "rolecall.namespace" .) .Values.clusterDomain }}
{{- $port := int .Values.service.port }}
{{- if not $config.public_url }}
{{- $_ := set $config "public_url" (printf "http://%s:%d" $service $port) }}
{{- else if not (hasKey $config "internal_hosts") }}
{{- /* The whole name first: "check" prints HolmesGPT's URL with it. */}}
{{- $hosts := list }}
{{- $short := include "rolecall.fullname" . }}
{{- $namespace := include "rolecall.namespace" . }}
{{- range list $service (printf "%s.%s.svc" $short $namespace) (printf "%s.%s" $short $namespace) $short }}
{{- $host := printf "%s:%d" . $port }}
{{- if ne (printf "http://%s" $host) $config.public_url }}{{ $hosts = append $hosts $host }}{{ end }}
{{- end }}
{{- $_ := set $config "internal_hosts" $hosts }}
{{- end }}
{{- if .Values.sealingKeys.existingSecret }}
{{- $_ := set $config "sealing_keys_file" (printf "%s/sealing-keys/%s" $secrets .Values.sealingKeys.key) }}
{{- end }}
{{- with .Values.clientCredential }}
{{- if .secret.existingSecret }}
{{- $_ := set $provider "client_secret_file" (printf "%s/client/%s" $secrets .secret.key) }}
{{- else if .certificate.existingSecret }}
{{- $_ := set $provider "client_certificate_file" (printf "%s/client/%s" $secrets .certificate.certificateKey) }}
{{- $_ := set $provider "client_key_file" (printf "%s/client/%s" $secrets .certificate.keyKey) }}
{{- else if .workloadIdentity.enabled }}
{{- $_ := set $provider "federated_token_file" "/var/run/secrets/azure/tokens/azure-identity-token" }}
{{- end }}
{{- end }}
{{- if .Values.certificateAuthority.existingConfigMap }}
{{- $_ := set $provider "certificate_authority_file" (printf "/etc/rolecall-authority/%s" .Values.certificateAuthority.key) }}
{{- end }}
{{- with $provider }}{{ $_ := set $config "identity_provider" . }}{{ end }}
{{- if .Values.store.existingSecret }}
{{- $store := default dict $config.store | deepCopy }}
{{- $key := ternary "redis_password_file" "redis_url_file" (ne .Values.store.passwordKey "") }}
{{- $_ := set $store $key (printf "%s/store/%s" $secrets (default .Values.store.urlKey .Values.store.passwordKey)) }}
{{- $_ := set $config "store" $store }}
{{- end }}
{{- $resources := list }}
{{- range default list $config.resource }}
{{- $resource := deepCopy . }}
{{- $name := default "default" $resource.name }}
{{- if and (hasKey $.Values.mcpServers $name) (not $resource.upstream) }}
{{- $_ := set $resource "upstream" (printf "http://%s.%s.svc.%s:8080/mcp" (include "rolecall.mcpName" (dict "root" $ "name" $name)) (include "rolecall.namespace" $) $.Values.clusterDomain) }}
{{- end }}
{{- $resources = append $resources $resource }}
{{- end }}
{{- with $resources }}{{ $_ := set $config "resource" . }}{{ end }}
{{- toYaml $config }}
{{- end }}

{{- define "rolecall.mcpName" -}}
{{- printf "%s-mcp-%s" (include "rolecall.fullname" .root) .name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* broker, relay or off, as rolecall itself decides. */ -}}
{{- define "rolecall.mode" -}}
{{- $config := .Values.config }}
{{- $provider := default dict $config.identity_provider }}
{{- $signIn := default dict $config.sign_in }}
{{- if $signIn.mode }}{{ $signIn.mode }}{{ else if $provider.client_id }}broker{{ else }}off{{ end }}
{{- end }}

{{- /* The host of public_url. */ -}}
{{- define "rolecall.publicHost" -}}
{{- $url := urlParse (tpl (default "" .Values.config.public_url) .) }}
{{- $url.hostname }}
{{- end }}
