# SPDX-License-Identifier: Apache-2.0
"""The administrative API: who may ask what, what the lists say, and that they agree with docs/openapi.yaml."""
