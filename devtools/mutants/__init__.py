"""Semantic mutations of a module, and whether its tests notice them: ./dev mutants MODULE…"""
