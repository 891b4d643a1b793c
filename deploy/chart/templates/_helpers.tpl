{{- define "nhip.services" -}}people goals checkins rewards retros notifications audit{{- end }}

{{- define "nhip.labels" -}}
app.kubernetes.io/name: nhip
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* The path below which browsers find the console, with which the gateway is asked: it takes it off itself. */}}
{{- define "nhip.path" -}}{{ (urlParse .Values.console).path | trimSuffix "/" | default "/" }}{{- end }}

{{- define "nhip.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}

{{- define "nhip.url" -}}
{{- $login := .login -}}
postgresql://{{ $login }}@{{ .root.Values.postgres.host }}:{{ .root.Values.postgres.port }}/{{ .database }}{{ with .root.Values.postgres.parameters }}?{{ . }}{{ end }}
{{- end }}

{{/* Settings of Kafka for `.service`, and where its files are. */}}
{{- define "nhip.kafka.env" -}}
{{- $kafka := .root.Values.kafka }}
- {name: NHIP_KAFKA, value: {{ $kafka.bootstrap | quote }}}
- {name: NHIP_KAFKA_PARTITIONS, value: {{ $kafka.partitions | quote }}}
- {name: NHIP_KAFKA_REPLICATION, value: {{ $kafka.replication | quote }}}
- {name: NHIP_KAFKA_SECURITY, value: {{ $kafka.security }}}
{{- if hasPrefix "SASL" $kafka.security }}
- {name: NHIP_KAFKA_MECHANISM, value: {{ $kafka.mechanism }}}
- {name: NHIP_KAFKA_USER, value: {{ $kafka.user | replace "{installation}" .root.Values.installation | replace "{service}" .service | quote }}}
- {name: NHIP_KAFKA_PASSWORD_FILE, value: /run/nhip/kafka/password}
{{- if eq $kafka.mechanism "OAUTHBEARER" }}
- {name: NHIP_KAFKA_TOKEN_URL, value: {{ $kafka.tokenUrl | quote }}}
- {name: NHIP_KAFKA_SCOPE, value: {{ $kafka.scope | quote }}}
{{- end }}
{{- end }}
{{- if $kafka.caSecret }}
- {name: NHIP_KAFKA_CA_FILE, value: /run/nhip/kafka-ca/ca.crt}
{{- end }}
{{- end }}

{{- define "nhip.kafka.mounts" -}}
{{- if hasPrefix "SASL" .root.Values.kafka.security }}
- {name: kafka, mountPath: /run/nhip/kafka, readOnly: true}
{{- end }}
{{- if .root.Values.kafka.caSecret }}
- {name: kafka-ca, mountPath: /run/nhip/kafka-ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "nhip.kafka.volumes" -}}
{{- if hasPrefix "SASL" .root.Values.kafka.security }}
- name: kafka
  secret: {secretName: {{ .root.Values.kafka.passwordsSecret }}, items: [{key: {{ .service }}, path: password}]}
{{- end }}
{{- if .root.Values.kafka.caSecret }}
- name: kafka-ca
  secret: {secretName: {{ .root.Values.kafka.caSecret }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}

{{- define "nhip.common.env" -}}
- {name: NHIP_INSTALLATION, value: {{ .Values.installation | quote }}}
- {name: NHIP_ISSUER, value: {{ .Values.identity.issuer | quote }}}
- {name: NHIP_AUDIENCE, value: {{ .Values.identity.audience | quote }}}
- {name: NHIP_JWKS, value: {{ .Values.identity.jwks | quote }}}
- {name: NHIP_PEOPLE_BY, value: {{ .Values.identity.peopleBy | quote }}}
- {name: NHIP_CONSOLE, value: {{ .Values.console | quote }}}
{{- if .Values.tlsSecret }}
- {name: NHIP_TLS_CA_FILE, value: /run/nhip/tls/ca.crt}
- {name: NHIP_TLS_CERTIFICATE_FILE, value: /run/nhip/tls/tls.crt}
- {name: NHIP_TLS_KEY_FILE, value: /run/nhip/tls/tls.key}
- {name: NHIP_METRICS_TLS, value: "true"}
{{- end }}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{/* What opens a master key that Vault wrapped. */}}
{{- define "nhip.vault.env" -}}
{{- if .Values.vault.address }}
- {name: NHIP_VAULT, value: {{ .Values.vault.address | quote }}}
- {name: NHIP_VAULT_KEY, value: {{ .Values.vault.key | quote }}}
- {name: NHIP_VAULT_TOKEN_FILE, value: /run/nhip/vault/token}
{{- end }}
{{- end }}

{{- define "nhip.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
tolerations:
{{- range list "not-ready" "unreachable" }}
  - {key: node.kubernetes.io/{{ . }}, operator: Exists, effect: NoExecute, tolerationSeconds: {{ $.Values.nodeAwaySeconds }}}
{{- end }}
{{- end }}

{{- define "nhip.container" -}}
image: {{ include "nhip.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  runAsUser: 10001
  runAsGroup: 10001
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "nhip.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    # Not only where it suits: else both replicas come to one node, as after an upgrade behind the loss of the other.
    whenUnsatisfiable: DoNotSchedule
    # Among nodes that take pods: those that are away or drained hold nobody up.
    nodeTaintsPolicy: Honor
    labelSelector: {matchLabels: {app.kubernetes.io/instance: {{ .root.Release.Name }}, app.kubernetes.io/component: {{ .name }}}}
    # Those of one version among themselves, whatever they replace.
    matchLabelKeys: [pod-template-hash]
{{- end }}
