{{- /* Ends the rendering with everything that is wrong, each with its value and the remedy. */ -}}
{{- define "rolecall.refuse" -}}
{{- $problems := list }}
{{- range list "Image" "Provider" "Resources" "SecretsInValues" "Credential" "Replicas" "Addresses" "Policies" }}
{{- $found := include (printf "rolecall.refuse%s" .) $ | trim }}
{{- if $found }}{{ $problems = append $problems $found }}{{ end }}
{{- end }}
{{- with $problems }}
{{- fail (printf "\n\n%s\n" (join "\n" .)) }}
{{- end }}
{{- end }}

{{- define "rolecall.isUnset" -}}
{{- $text := toString (default "" .) }}
{{- if or (eq $text "") (contains "<" $text) (eq $text "00000000-0000-0000-0000-000000000000") }}true{{ end }}
{{- end }}

{{- define "rolecall.refuseImage" -}}
{{- with .Values.image }}
{{- if include "rolecall.isUnset" .repository }}
* image.repository is not set: build the image (docker build, or az acr build), and write where it is in image.registry and image.repository.
{{- else if contains "<" .registry }}
* image.registry is still a placeholder: write where your image is, such as myregistry.azurecr.io.
{{- end }}
{{- end }}
{{- end }}

{{- define "rolecall.refuseProvider" -}}
{{- $provider := default dict .Values.config.identity_provider }}
{{- $mode := include "rolecall.mode" . }}
{{- $dropIn := .Values.config.authorization_url }}
{{- $kind := default (ternary "oidc" "entra" (hasKey $provider "issuer")) $provider.kind }}
{{- if $dropIn }}
{{- else if not $provider }}
* config.identity_provider is not set: write kind: entra with tenant_id, or kind: oidc with issuer.
{{- else if eq $kind "entra" }}
{{- if include "rolecall.isUnset" $provider.tenant_id }}
* config.identity_provider.tenant_id is not set: write the Directory (tenant) ID, as "az account show --query tenantId --output tsv" prints it.
{{- end }}
{{- else if include "rolecall.isUnset" $provider.issuer }}
* config.identity_provider.issuer is not set: write the issuer exactly as its discovery document has it.
{{- end }}
{{- if and (ne $mode "off") (include "rolecall.isUnset" $provider.client_id) }}
* config.identity_provider.client_id is not set, and sign_in.mode is {{ $mode }}: write the Application (client) ID of the app registration that signs people in.
{{- else if contains "<" (toString (default "" $provider.client_id)) }}
* config.identity_provider.client_id is still a placeholder: write the Application (client) ID of the app registration that signs people in.
{{- end }}
{{- end }}

{{- define "rolecall.refuseResources" -}}
{{- $config := .Values.config }}
{{- if not (or $config.resource $config.upstream) }}
* config.resource is empty: write at least one, with name, path, audiences and upstream (or a server of its name under mcpServers).
{{- end }}
{{- $names := list }}
{{- range $index, $resource := default list $config.resource }}
{{- $name := default "default" $resource.name }}
{{- $names = append $names $name }}
{{- if and (not $resource.upstream) (not (hasKey $.Values.mcpServers $name)) }}
* config.resource[{{ $index }}].upstream is not set: write the MCP server's URL, such as http://kubernetes-mcp-server:8080/mcp, or run one with mcpServers.{{ $name }}: {}.
{{- end }}
{{- range $text := concat (default list $resource.audiences) (default list $resource.allowed_clients) (default list $resource.required_groups) }}
{{- if contains "<" (toString $text) }}
* config.resource[{{ $index }}] still holds the placeholder {{ $text }}: write the value.
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $server := .Values.mcpServers }}
{{- if not (has $name $names) }}
* mcpServers.{{ $name }} serves no resource: give one entry of config.resource that name, or remove the server.
{{- end }}
{{- end }}
{{- end }}

{{- /* A reference such as ${NAME} is filled from the environment of the pod; anything else would be readable by whoever reads the ConfigMap or the release. */ -}}
{{- define "rolecall.refuseSecretsInValues" -}}
{{- $config := .Values.config }}
{{- $provider := default dict $config.identity_provider }}
{{- $store := default dict $config.store }}
{{- if $config.sealing_keys }}
{{- if not (regexMatch "^\\$\\{[A-Z0-9_]+\\}$" (toString $config.sealing_keys)) }}
* config.sealing_keys is a secret, and values are none: put it into a Secret and name that in sealingKeys.existingSecret.
{{- end }}
{{- end }}
{{- if $provider.client_secret }}
{{- if not (regexMatch "^\\$\\{[A-Z0-9_]+\\}$" (toString $provider.client_secret)) }}
* config.identity_provider.client_secret is a secret, and values are none: put it into a Secret and name that in clientCredential.secret.existingSecret.
{{- end }}
{{- end }}
{{- /* Up to the last @: passwords of Azure's hold / and =. */}}
{{- $login := regexFind "//.*@" (toString (default "" $store.redis_url)) }}
{{- if and (contains ":" $login) (not (regexMatch ":(\\$\\{[A-Z0-9_]+\\})?@$" $login)) }}
* config.store.redis_url holds a password, and values are no secret: put the URL into a Secret and name that in store.existingSecret.
{{- end }}
{{- if $store.redis_password }}
{{- if not (regexMatch "^\\$\\{[A-Z0-9_]+\\}$" (toString $store.redis_password)) }}
* config.store.redis_password is a secret, and values are none: put it into a Secret and name that in store.existingSecret, with its key in store.passwordKey.
{{- end }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if and (regexMatch "^ROLECALL__.*(SECRET|PASSWORD|SEALING_KEYS|REDIS_URL)$" .name) .value }}
* extraEnv has {{ .name }} with its value, and values are none to keep a secret in: put it into a Secret and write valueFrom.secretKeyRef.
{{- end }}
{{- end }}
{{- range $index, $client := default list (default dict $config.sign_in).client }}
{{- if and $client.client_secret (not (regexMatch "^\\$\\{[A-Z0-9_]+\\}$" (toString $client.client_secret))) }}
* config.sign_in.client[{{ $index }}].client_secret is a secret, and values are none: mount a Secret with extraVolumes and extraVolumeMounts, and name its file in client_secret_file.
{{- end }}
{{- end }}
{{- end }}

{{- define "rolecall.refuseCredential" -}}
{{- $provider := default dict .Values.config.identity_provider }}
{{- with .Values.clientCredential }}
{{- $kinds := list }}
{{- if .secret.existingSecret }}{{ $kinds = append $kinds "secret" }}{{ end }}
{{- if .certificate.existingSecret }}{{ $kinds = append $kinds "certificate" }}{{ end }}
{{- if .workloadIdentity.enabled }}{{ $kinds = append $kinds "workloadIdentity" }}{{ end }}
{{- if gt (len $kinds) 1 }}
* clientCredential has {{ join " and " $kinds }}: leave one of them.
{{- end }}
{{- range $key := list "client_secret" "client_secret_file" "client_certificate_file" "client_key_file" "federated_token_file" }}
{{- if and $kinds (get $provider $key) }}
* config.identity_provider.{{ $key }} and clientCredential.{{ first $kinds }} are both set: leave one of them.
{{- end }}
{{- end }}
{{- if and .workloadIdentity.enabled (or (eq (default "" $provider.kind) "oidc") $provider.issuer) }}
* clientCredential.workloadIdentity.enabled is for Entra alone: use clientCredential.secret with this identity provider.
{{- end }}
{{- end }}
{{- if and .Values.sealingKeys.existingSecret (or .Values.config.sealing_keys .Values.config.sealing_keys_file) }}
* config.sealing_keys or config.sealing_keys_file and sealingKeys.existingSecret are both set: leave one of them.
{{- end }}
{{- $store := default dict .Values.config.store }}
{{- if and .Values.store.passwordKey (not $store.redis_url) }}
* store.passwordKey is set and config.store.redis_url is not: write the URL without the password there, such as rediss://host:6380.
{{- else if and .Values.store.existingSecret (not .Values.store.passwordKey) (or $store.redis_url $store.redis_url_file) }}
* config.store.redis_url or redis_url_file and store.existingSecret are both set: leave one of them, or name the password's key in store.passwordKey.
{{- end }}
{{- end }}

{{- define "rolecall.refuseReplicas" -}}
{{- $mode := include "rolecall.mode" . }}
{{- $count := include "rolecall.replicas" . | int }}
{{- $config := .Values.config }}
{{- $store := default dict $config.store }}
{{- $hasKeys := or .Values.sealingKeys.existingSecret $config.sealing_keys $config.sealing_keys_file }}
{{- $hasStore := or .Values.store.existingSecret $store.redis_url $store.redis_url_file }}
{{- if and (gt $count 1) (not $hasKeys) }}
* {{ ternary "autoscaling.maxReplicas" "replicaCount" .Values.autoscaling.enabled }} is {{ $count }} without sealing keys, so that sessions of one replica would be unknown to the next: name the Secret in sealingKeys.existingSecret.
{{- else if and (ne $mode "off") (not $hasKeys) }}
* sealingKeys.existingSecret is not set, and sign_in.mode is {{ $mode }}: make the Secret as values.yaml says, and name it; without it every sign-in ends with the pod.
{{- end }}
{{- if and (gt $count 1) (ne $mode "off") (not $hasStore) }}
* {{ ternary "autoscaling.maxReplicas" "replicaCount" .Values.autoscaling.enabled }} is {{ $count }} without a store, so that a refresh token could be used once in each replica: put the URL of a Redis into a Secret and name it in store.existingSecret.
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
* autoscaling.minReplicas is {{ .Values.autoscaling.minReplicas }}, more than autoscaling.maxReplicas {{ .Values.autoscaling.maxReplicas }}: raise the latter.
{{- end }}
{{- end }}

{{- define "rolecall.refuseAddresses" -}}
{{- $mode := include "rolecall.mode" . }}
{{- $url := toString (default "" .Values.config.public_url) }}
{{- range $key := list "listen" "admin_listen" }}
{{- if get $.Values.config $key }}
* config.{{ $key }} is set by the chart: remove it, and set {{ ternary "service.port" "adminService.port" (eq $key "listen") }} for the port that others see.
{{- end }}
{{- end }}
{{- if and (include "rolecall.isPublished" .) (include "rolecall.isUnset" $url) }}
* {{ ternary "ingress.enabled" "httpRoute.enabled" .Values.ingress.enabled }} is true and config.public_url is not set: write the origin that people reach, such as https://mcp.example.com.
{{- else if and (eq $mode "broker") (include "rolecall.isUnset" $url) }}
* config.public_url is not set, and sign_in.mode is broker: write the origin that people's browsers reach, such as https://mcp.example.com.
{{- else if and (include "rolecall.isPublished" .) (not (hasPrefix "https://" $url)) (not (contains "{{" $url)) }}
* config.public_url is {{ $url }}, and clients come through {{ ternary "an ingress" "a gateway" .Values.ingress.enabled }}: write https.
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
* httpRoute.parentRefs is empty: name the Gateway, as "- name: …" and "namespace: …".
{{- end }}
{{- end }}

{{- define "rolecall.refusePolicies" -}}
{{- with .Values.networkPolicy }}
{{- if .enabled }}
{{- if not (or $.Values.mcpServers .mcpServers .mcpServersElsewhere) }}
* networkPolicy.mcpServers is empty, so that anybody in the cluster could reach the MCP server: write its podLabels (upstream's chart: app.kubernetes.io/name: kubernetes-mcp-server; Robusta's: app.kubernetes.io/name: k8s-mcp-server), or networkPolicy.mcpServersElsewhere: true when it is outside this cluster.
{{- end }}
{{- range $index, $server := .mcpServers }}
{{- if not $server.podLabels }}
* networkPolicy.mcpServers[{{ $index }}].podLabels is not set: write the labels of the MCP server's pods, as "kubectl get pods --show-labels" has them.
{{- end }}
{{- end }}
{{- if and $.Values.serviceMonitor.enabled (not .metricsFrom) }}
* serviceMonitor.enabled is true and networkPolicy.metricsFrom is empty, so that Prometheus could not reach the metrics: write where it runs, such as "- namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}".
{{- end }}
{{- end }}
{{- end }}
{{- end }}
