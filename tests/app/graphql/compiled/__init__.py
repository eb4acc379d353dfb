"""Tests of app/graphql/compiled: beside graphql-core, on schemas of their own and on ours."""
