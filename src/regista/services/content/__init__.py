"""Bytes: claims and uploads, a shared disk, copies between stores."""
