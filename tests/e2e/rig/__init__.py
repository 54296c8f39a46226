# SPDX-License-Identifier: Apache-2.0
"""The rig: real servers, a real interceptor and the built programs, on loopback, each in its own directory.

Standard library only, because the demonstration uses it too.
"""
